# Start points of the networks, and what is meta-trained on one of them.


rule fig8_starts:
    input:
        **demands["fig8"].inputs("fig8_starts"),
    output:
        FIG8.optimizee_set,
    log:
        f"{FIG8.logs}/sets/{{setting}}.log",
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
    message:
        "Drawing the start points on {wildcards.setting}"
    shell:
        "l2o fig8 draw-starts {wildcards.setting} {output} --preset {params.preset} > {log} 2>&1"


# As in Figure 5, an unfinished training lies outside `output:`.
rule fig8_meta_train:
    input:
        **demands["fig8"].inputs("fig8_meta_train", data=FIG8.digits),
    output:
        checkpoint=FIG8.checkpoint,
        history=report(
            FIG8.history,
            caption="../../report/fig8_meta_train_history.rst",
            category="Loss histories",
            subcategory="Figure 8: {setting}",
            labels={"method": "{method}"},
        ),
        timing=FIG8.training_seconds,
    log:
        f"{FIG8.logs}/training/{{setting}}/{{method}}.log",
    benchmark:
        f"{FIG8.benchmarks}/training/{{setting}}/{{method}}.tsv"
    threads: fig8.experiment.compute_threads
    resources:
        **({"gpu": 1} if fig8.experiment.device == "cuda" else {}),
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=lambda wc, attempt: 240 * attempt,
    params:
        preset=PRESET,
        state=FIG8.unfinished,
    message:
        "Training {wildcards.method} on {wildcards.setting}"
    shell:
        "l2o fig8 train {wildcards.setting} {wildcards.method} {input.data} {output.checkpoint}"
        " --history {output.history} --timing {output.timing} --state {params.state}"
        " --preset {params.preset} > {log} 2>&1"
