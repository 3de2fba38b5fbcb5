# Sets of the Rastrigin family, their minima, and what is meta-trained on them.


rule fig7_set:
    input:
        **demands["fig7"].inputs("fig7_set"),
    output:
        FIG7.optimizee_set,
    log:
        f"{FIG7.logs}/sets/{{setting}}.log",
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
    message:
        "Sampling the Rastrigin set {wildcards.setting}"
    shell:
        "l2o fig7 sample-set {wildcards.setting} {output} --preset {params.preset} > {log} 2>&1"


rule fig7_oracle:
    input:
        **demands["fig7"].inputs("fig7_oracle", data=FIG7.optimizee_set),
    output:
        FIG7.oracle,
    log:
        f"{FIG7.logs}/oracles/{{setting}}.log",
    benchmark:
        f"{FIG7.benchmarks}/oracles/{{setting}}.tsv"
    threads: fig7.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=lambda wc, attempt: 30 * attempt,
    params:
        preset=PRESET,
    message:
        "Run-and-Inspect on {wildcards.setting}"
    shell:
        "l2o fig7 oracle {wildcards.setting} {input.data} --out {output}"
        " --preset {params.preset} > {log} 2>&1"


# As in Figure 5, an unfinished training lies outside `output:`.
rule fig7_meta_train:
    input:
        **demands["fig7"].inputs("fig7_meta_train", data=FIG7.optimizee_set),
    output:
        checkpoint=FIG7.checkpoint,
        history=report(
            FIG7.history,
            caption="../../report/fig7_meta_train_history.rst",
            category="Loss histories",
            subcategory="Figure 7: {setting}",
            labels={"method": "{method}"},
        ),
        timing=FIG7.training_seconds,
    log:
        f"{FIG7.logs}/training/{{setting}}/{{method}}.log",
    benchmark:
        f"{FIG7.benchmarks}/training/{{setting}}/{{method}}.tsv"
    threads: fig7.experiment.compute_threads
    resources:
        **({"gpu": 1} if fig7.experiment.device == "cuda" else {}),
        mem_mb=lambda wc, attempt: 1200 * attempt,
        runtime=lambda wc, attempt: 120 * attempt,
    params:
        preset=PRESET,
        state=FIG7.unfinished,
    message:
        "Training {wildcards.method} on Rastrigin {wildcards.setting}"
    shell:
        "l2o fig7 train {wildcards.setting} {wildcards.method} {input.data} {output.checkpoint}"
        " --history {output.history} --timing {output.timing} --state {params.state}"
        " --preset {params.preset} > {log} 2>&1"
