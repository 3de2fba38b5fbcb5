# LASSO sets, and what is trained on them: nets on the objective, recurrent optimizers on unrolls.


rule fig6_set:
    input:
        **demands["fig6"].inputs("fig6_set"),
    output:
        FIG6.optimizee_set,
    log:
        f"{FIG6.logs}/sets/{{setting}}.log",
    benchmark:
        f"{FIG6.benchmarks}/sets/{{setting}}.tsv"
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
    message:
        "Sampling the LASSO set {wildcards.setting}"
    shell:
        "l2o fig6 sample-set {wildcards.setting} {output} --preset {params.preset} > {log} 2>&1"


# One job a net or optimizer. As in Figure 5, an unfinished training lies outside `output:`.
for name, methods, minutes in (
    ("fig6_train", fig6.experiment.unrolled, 15),
    ("fig6_meta_train", fig6.experiment.recurrent, 60),
):

    rule:
        name:
            name
        input:
            **demands["fig6"].inputs(name, data=FIG6.optimizee_set),
        output:
            checkpoint=FIG6.checkpoint,
            history=report(
                FIG6.history,
                caption=f"../../report/{name}_history.rst",
                category="Loss histories",
                subcategory="Figure 6: {setting}",
                labels={"method": "{method}"},
            ),
            timing=FIG6.training_seconds,
        log:
            f"{FIG6.logs}/training/{{setting}}/{{method}}.log",
        benchmark:
            f"{FIG6.benchmarks}/training/{{setting}}/{{method}}.tsv"
        wildcard_constraints:
            method="|".join(methods),
        threads: fig6.experiment.compute_threads
        resources:
            **({"gpu": 1} if fig6.experiment.device == "cuda" else {}),
            mem_mb=lambda wc, attempt: 1200 * attempt,
            runtime=lambda wc, attempt, minutes=minutes: minutes * attempt,
        params:
            preset=PRESET,
            state=FIG6.unfinished,
        message:
            "Training {wildcards.method} on LASSO {wildcards.setting}"
        shell:
            "l2o fig6 train {wildcards.setting} {wildcards.method} {input.data} {output.checkpoint}"
            " --history {output.history} --timing {output.timing} --state {params.state}"
            " --preset {params.preset} > {log} 2>&1"
