# Evaluation on LASSO: the relative loss of every method over all iterations, and the time it takes.


def trained_in(wildcards):
    """The checkpoint of a group: none for the classical methods."""
    if wildcards.group == CLASSICAL:
        return []
    return FIG6.checkpoint.format(setting=wildcards.setting, method=wildcards.group)


rule fig6_evaluate:
    input:
        **demands["fig6"].inputs("fig6_evaluate", data=FIG6.optimizee_set, checkpoints=trained_in),
    output:
        FIG6.method_curves,
    log:
        f"{FIG6.logs}/evaluation/{{setting}}/{{group}}.log",
    benchmark:
        f"{FIG6.benchmarks}/evaluation/{{setting}}/{{group}}.tsv"
    wildcard_constraints:
        group="|".join(fig6.groups),
    threads: fig6.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1200 * attempt,
        runtime=lambda wc, attempt: 15 * attempt,
    params:
        preset=PRESET,
    message:
        "Evaluating {wildcards.group} on LASSO {wildcards.setting}"
    shell:
        "l2o fig6 evaluate {wildcards.setting} {wildcards.group} {input.data} {input.checkpoints}"
        " --out {output} --preset {params.preset} > {log} 2>&1"


# One after the other in one job, so that the times of methods can be compared.
rule fig6_time:
    input:
        **demands["fig6"].inputs(
            "fig6_time",
            data=FIG6.optimizee_set,
            checkpoints=expand(FIG6.checkpoint, method=fig6.learned, allow_missing=True),
        ),
    output:
        FIG6.setting_seconds,
    log:
        f"{FIG6.logs}/seconds/{{setting}}.log",
    threads: fig6.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1200 * attempt,
        runtime=lambda wc, attempt: 15 * attempt,
    params:
        preset=PRESET,
    message:
        "Timing all methods on LASSO {wildcards.setting}"
    shell:
        "l2o fig6 time {wildcards.setting} {input.data} {input.checkpoints}"
        " --out {output} --preset {params.preset} > {log} 2>&1"


rule fig6_curves:
    input:
        **demands["fig6"].inputs(
            "fig6_curves",
            tables=expand(FIG6.method_curves, setting=fig6.experiment.settings, group=fig6.groups),
        ),
    output:
        report(
            FIG6.curves,
            caption="../../report/fig6_curves.rst",
            category="Tables",
            labels={"table": "Figure 6: curves of all methods (CSV)"},
        ),
    log:
        f"{FIG6.logs}/curves.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the curves of all methods"
    shell:
        "l2o fig6 collect {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig6_optima:
    input:
        **demands["fig6"].inputs(
            "fig6_optima", sets=expand(FIG6.optimizee_set, setting=fig6.experiment.settings)
        ),
    output:
        report(
            FIG6.optima,
            caption="../../report/fig6_optima.rst",
            category="Tables",
            labels={"table": "Figure 6: the paper's optima against certified ones (CSV)"},
        ),
    log:
        f"{FIG6.logs}/optima.log",
    threads: fig6.experiment.compute_threads
    params:
        preset=PRESET,
    message:
        "Holding the paper's optima against certified ones"
    shell:
        "l2o fig6 check-optima {input.sets} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig6_seconds:
    input:
        **demands["fig6"].inputs(
            "fig6_seconds",
            tables=expand(FIG6.setting_seconds, setting=fig6.experiment.settings),
        ),
    output:
        FIG6.seconds,
    log:
        f"{FIG6.logs}/seconds.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the seconds over iterations"
    shell:
        "l2o fig6 collect-seconds {input.tables} --out {output}"
        " --preset {params.preset} > {log} 2>&1"


rule fig6_timings:
    input:
        **demands["fig6"].inputs(
            "fig6_timings",
            seconds=FIG6.seconds,
            training=expand(
                FIG6.training_seconds, setting=fig6.experiment.settings, method=fig6.learned
            ),
        ),
    output:
        report(
            FIG6.timings,
            caption="../../report/fig6_timings.rst",
            category="Tables",
            labels={"table": "Figure 6: measured seconds (CSV)"},
        ),
    log:
        f"{FIG6.logs}/timings.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the measured seconds"
    shell:
        "l2o fig6 timings {input.seconds} {input.training} --out {output}"
        " --preset {params.preset} > {log} 2>&1"
