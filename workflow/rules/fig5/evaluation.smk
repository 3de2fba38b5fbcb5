# Evaluation: every layer of every net, the classical solvers and the oracle, in float64.


rule evaluate:
    input:
        **demands["fig5"].inputs(
            "evaluate",
            data=FIG5.optimizee_set,
            checkpoints=expand(
                FIG5.checkpoint, method=fig5.experiment.unrolled, allow_missing=True
            ),
        ),
    output:
        curves=FIG5.setting_curves,
        timings=FIG5.solve_seconds,
    log:
        f"{FIG5.logs}/evaluation/{{setting}}.log",
    benchmark:
        f"{FIG5.benchmarks}/evaluation/{{setting}}.tsv"
    threads: fig5.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1600 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
    message:
        "Evaluating all methods on {wildcards.setting}"
    shell:
        "l2o fig5 evaluate {wildcards.setting} {input.data} {input.checkpoints}"
        " --curves {output.curves} --timings {output.timings}"
        " --preset {params.preset} > {log} 2>&1"


rule curves:
    input:
        **demands["fig5"].inputs(
            "curves", tables=expand(FIG5.setting_curves, setting=fig5.experiment.settings)
        ),
    output:
        report(
            FIG5.curves,
            caption="../../report/fig5_curves.rst",
            category="Tables",
            labels={"table": "Curves of all methods (CSV)"},
        ),
    log:
        f"{FIG5.logs}/curves.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the curves of all settings"
    shell:
        "l2o fig5 collect {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule timings:
    input:
        **demands["fig5"].inputs(
            "timings",
            solve=expand(FIG5.solve_seconds, setting=fig5.experiment.settings),
            training=expand(
                FIG5.training_seconds,
                setting=fig5.experiment.settings,
                method=fig5.experiment.unrolled,
            ),
        ),
    output:
        report(
            FIG5.timings,
            caption="../../report/fig5_timings.rst",
            category="Tables",
            labels={"table": "Measured seconds (CSV)"},
        ),
    log:
        f"{FIG5.logs}/timings.log",
    params:
        preset=PRESET,
    message:
        "Joining the measured seconds"
    shell:
        "l2o fig5 timings {input.solve} {input.training} --out {output}"
        " --preset {params.preset} > {log} 2>&1"
