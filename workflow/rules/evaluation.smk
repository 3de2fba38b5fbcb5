# Evaluation: every layer of every net, the classical solvers and the oracle, in float64.


rule evaluate:
    input:
        **demand.inputs(
            "evaluate",
            data=AT.optimizee_set,
            checkpoints=expand(AT.checkpoint, method=fig5.experiment.unrolled, allow_missing=True),
        ),
    output:
        curves=AT.setting_curves,
        timings=AT.solve_seconds,
    log:
        f"{AT.logs}/evaluation/{{setting}}.log",
    benchmark:
        f"{AT.benchmarks}/evaluation/{{setting}}.tsv"
    threads: fig5.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1600 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
    message:
        "Evaluating all methods on {wildcards.setting}"
    shell:
        "l2o evaluate {wildcards.setting} {input.data} {input.checkpoints}"
        " --curves {output.curves} --timings {output.timings}"
        " --preset {params.preset} > {log} 2>&1"


rule curves:
    input:
        **demand.inputs(
            "curves", tables=expand(AT.setting_curves, setting=fig5.experiment.settings)
        ),
    output:
        report(
            AT.curves,
            caption="../report/fig5_curves.rst",
            category="Tables",
            labels={"table": "Curves of all methods (CSV)"},
        ),
    log:
        f"{AT.logs}/curves.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the curves of all settings"
    shell:
        "l2o collect {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule timings:
    input:
        **demand.inputs(
            "timings",
            solve=expand(AT.solve_seconds, setting=fig5.experiment.settings),
            training=expand(
                AT.training_seconds,
                setting=fig5.experiment.settings,
                method=fig5.experiment.unrolled,
            ),
        ),
    output:
        report(
            AT.timings,
            caption="../report/fig5_timings.rst",
            category="Tables",
            labels={"table": "Measured seconds (CSV)"},
        ),
    log:
        f"{AT.logs}/timings.log",
    params:
        preset=PRESET,
    message:
        "Joining the measured seconds"
    shell:
        "l2o timings {input.solve} {input.training} --out {output}"
        " --preset {params.preset} > {log} 2>&1"
