# Training: one net a job. The state of an unfinished training lies outside `output:`, because
# Snakemake deletes the outputs of a job before it runs it again.


rule train:
    input:
        **demands["fig5"].inputs("train", data=FIG5.optimizee_set),
    output:
        checkpoint=FIG5.checkpoint,
        history=report(
            FIG5.history,
            caption="../../report/history.rst",
            category="Loss histories",
            subcategory=lambda wildcards: fig5.experiment.settings[wildcards.setting].title,
            labels={"method": "{method}"},
        ),
        timing=FIG5.training_seconds,
    log:
        f"{FIG5.logs}/training/{{setting}}/{{method}}.log",
    benchmark:
        f"{FIG5.benchmarks}/training/{{setting}}/{{method}}.tsv"
    threads: fig5.experiment.compute_threads
    resources:
        # No `gpu=0`: some executors take the name alone for a request.
        **({"gpu": 1} if fig5.experiment.device == "cuda" else {}),
        mem_mb=lambda wc, attempt: 1600 * attempt,
        runtime=lambda wc, attempt: 15 * attempt,
    params:
        preset=PRESET,
        state=FIG5.unfinished,
    message:
        "Training {wildcards.method} on {wildcards.setting}"
    shell:
        "l2o fig5 train {wildcards.setting} {wildcards.method} {input.data} {output.checkpoint}"
        " --history {output.history} --timing {output.timing} --state {params.state}"
        " --preset {params.preset} > {log} 2>&1"
