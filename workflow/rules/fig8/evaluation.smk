# Rates of classical optimizers, and all runs of a method as one batch.


rule fig8_grid_search:
    input:
        **demands["fig8"].inputs("fig8_grid_search", digits=FIG8.digits, starts=FIG8.optimizee_set),
    output:
        FIG8.setting_grid_search,
    log:
        f"{FIG8.logs}/grid_search/{{setting}}.log",
    benchmark:
        f"{FIG8.benchmarks}/grid_search/{{setting}}.tsv"
    threads: fig8.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 120 * attempt,
    params:
        preset=PRESET,
    message:
        "Searching rates on {wildcards.setting}"
    shell:
        "l2o fig8 grid-search {wildcards.setting} {input.digits} {input.starts} --out {output}"
        " --preset {params.preset} > {log} 2>&1"


def rates_or_checkpoint(wildcards):
    """Where a group comes from: the grid search, or training."""
    if wildcards.group == FIRST_ORDER:
        return FIG8.setting_grid_search.format(setting=wildcards.setting)
    return FIG8.checkpoint.format(setting=fig8.experiment.trained_on, method=wildcards.group)


rule fig8_evaluate:
    input:
        **demands["fig8"].inputs(
            "fig8_evaluate",
            digits=FIG8.digits,
            starts=FIG8.optimizee_set,
            source=rates_or_checkpoint,
        ),
    output:
        curves=FIG8.method_curves,
        finals=FIG8.method_finals,
        seconds=FIG8.solve_seconds,
    log:
        f"{FIG8.logs}/evaluation/{{setting}}/{{group}}.log",
    benchmark:
        f"{FIG8.benchmarks}/evaluation/{{setting}}/{{group}}.tsv"
    wildcard_constraints:
        group="|".join(fig8.groups),
    threads: fig8.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=lambda wc, attempt: 120 * attempt,
    params:
        preset=PRESET,
    message:
        "Evaluating {wildcards.group} on {wildcards.setting}"
    shell:
        "l2o fig8 evaluate {wildcards.setting} {wildcards.group} {input.digits} {input.starts}"
        " {input.source} --curves {output.curves} --finals {output.finals}"
        " --seconds {output.seconds} --preset {params.preset} > {log} 2>&1"


rule fig8_curves:
    input:
        **demands["fig8"].inputs(
            "fig8_curves",
            tables=expand(FIG8.method_curves, setting=fig8.experiment.settings, group=fig8.groups),
        ),
    output:
        report(
            FIG8.curves,
            caption="../../report/fig8_curves.rst",
            category="Tables",
            labels={"table": "Figure 8: curves of all methods (CSV)"},
        ),
    log:
        f"{FIG8.logs}/curves.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the curves of all methods"
    shell:
        "l2o fig8 collect {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig8_finals:
    input:
        **demands["fig8"].inputs(
            "fig8_finals",
            tables=expand(FIG8.method_finals, setting=fig8.experiment.settings, group=fig8.groups),
        ),
    output:
        report(
            FIG8.finals,
            caption="../../report/fig8_finals.rst",
            category="Tables",
            labels={"table": "Figure 8: the trained networks (CSV)"},
        ),
    log:
        f"{FIG8.logs}/finals.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining what the trained networks are worth"
    shell:
        "l2o fig8 collect-finals {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig8_grid_searches:
    input:
        **demands["fig8"].inputs(
            "fig8_grid_searches",
            tables=expand(FIG8.setting_grid_search, setting=fig8.experiment.settings),
        ),
    output:
        report(
            FIG8.grid_search,
            caption="../../report/fig8_grid_search.rst",
            category="Tables",
            labels={"table": "Figure 8: search for hyperparameters (CSV)"},
        ),
    log:
        f"{FIG8.logs}/grid_search.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the grid searches"
    shell:
        "l2o fig8 collect-grid-searches {input.tables} --out {output}"
        " --preset {params.preset} > {log} 2>&1"


rule fig8_timings:
    input:
        **demands["fig8"].inputs(
            "fig8_timings",
            seconds=expand(
                FIG8.solve_seconds, setting=fig8.experiment.settings, group=fig8.groups
            ),
            training=expand(
                FIG8.training_seconds,
                setting=fig8.experiment.trained_on,
                method=fig8.learned,
            ),
        ),
    output:
        report(
            FIG8.timings,
            caption="../../report/fig8_timings.rst",
            category="Tables",
            labels={"table": "Figure 8: measured seconds (CSV)"},
        ),
    log:
        f"{FIG8.logs}/timings.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the measured seconds"
    shell:
        "l2o fig8 timings {input.seconds} {input.training} --out {output}"
        " --preset {params.preset} > {log} 2>&1"
