# Training: one net a job. The state of an unfinished training lies outside `output:`, because
# Snakemake deletes the outputs of a job before it runs it again.


rule train:
    input:
        f"{RESULTS}/sets/{{setting}}.h5",
    output:
        checkpoint=f"{RESULTS}/checkpoints/{{setting}}/{{method}}.safetensors",
        history=f"{RESULTS}/histories/{{setting}}/{{method}}.csv",
        timing=f"{RESULTS}/training_seconds/{{setting}}/{{method}}.json",
    log:
        f"{LOGS}/training/{{setting}}/{{method}}.log",
    benchmark:
        f"{BENCHMARKS}/training/{{setting}}/{{method}}.tsv"
    threads: fig5.experiment.compute_threads
    resources:
        # No `gpu=0`: some executors take the name alone for a request.
        **({"gpu": 1} if fig5.experiment.device == "cuda" else {}),
        mem_mb=lambda wc, attempt: 1600 * attempt,
        runtime=lambda wc, attempt: 15 * attempt,
    params:
        preset=PRESET,
        key=lambda wc: fig5.training(wc.setting, wc.method).key,
        state=f"{RESULTS}/unfinished/{{setting}}/{{method}}.safetensors",
    message:
        "Training {wildcards.method} on {wildcards.setting}"
    shell:
        "l2o train {wildcards.setting} {wildcards.method} {input} {output.checkpoint}"
        " --history {output.history} --timing {output.timing} --state {params.state}"
        " --preset {params.preset} > {log} 2>&1"
