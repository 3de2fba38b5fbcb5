# Evaluation on the Rastrigin family: all runs of a method as one batch.


rule fig7_grid_search:
    input:
        **demands["fig7"].inputs("fig7_grid_search", data=FIG7.optimizee_set),
    output:
        FIG7.setting_grid_search,
    log:
        f"{FIG7.logs}/grid_search/{{setting}}.log",
    benchmark:
        f"{FIG7.benchmarks}/grid_search/{{setting}}.tsv"
    threads: fig7.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 15 * attempt,
    params:
        preset=PRESET,
    message:
        "Searching hyperparameters on Rastrigin {wildcards.setting}"
    shell:
        "l2o fig7 grid-search {wildcards.setting} {input.data} --out {output}"
        " --preset {params.preset} > {log} 2>&1"


def chosen_for(wildcards):
    """Where a group has its settings from: the grid search, or training."""
    if wildcards.group == UNTRAINED:
        return FIG7.setting_grid_search.format(setting=wildcards.setting)
    return FIG7.checkpoint.format(setting=wildcards.setting, method=wildcards.group)


rule fig7_evaluate:
    input:
        **demands["fig7"].inputs(
            "fig7_evaluate", data=FIG7.optimizee_set, oracle=FIG7.oracle, source=chosen_for
        ),
    output:
        curves=FIG7.method_curves,
        seconds=FIG7.solve_seconds,
    log:
        f"{FIG7.logs}/evaluation/{{setting}}/{{group}}.log",
    benchmark:
        f"{FIG7.benchmarks}/evaluation/{{setting}}/{{group}}.tsv"
    wildcard_constraints:
        group="|".join(fig7.groups),
    threads: fig7.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1200 * attempt,
        runtime=lambda wc, attempt: 15 * attempt,
    params:
        preset=PRESET,
    message:
        "Evaluating {wildcards.group} on Rastrigin {wildcards.setting}"
    shell:
        "l2o fig7 evaluate {wildcards.setting} {wildcards.group} {input.data} {input.oracle}"
        " {input.source} --curves {output.curves} --seconds {output.seconds}"
        " --preset {params.preset} > {log} 2>&1"


rule fig7_curves:
    input:
        **demands["fig7"].inputs(
            "fig7_curves",
            tables=expand(FIG7.method_curves, setting=fig7.experiment.settings, group=fig7.groups),
        ),
    output:
        report(
            FIG7.curves,
            caption="../../report/fig7_curves.rst",
            category="Tables",
            labels={"table": "Figure 7: curves of all methods (CSV)"},
        ),
    log:
        f"{FIG7.logs}/curves.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the curves of all methods"
    shell:
        "l2o fig7 collect {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig7_oracles:
    input:
        **demands["fig7"].inputs(
            "fig7_oracles", tables=expand(FIG7.oracle, setting=fig7.experiment.settings)
        ),
    output:
        report(
            FIG7.oracles,
            caption="../../report/fig7_oracles.rst",
            category="Tables",
            labels={"table": "Figure 7: the oracle (CSV)"},
        ),
    log:
        f"{FIG7.logs}/oracles.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Summing up the oracles"
    shell:
        "l2o fig7 oracles {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig7_grid_searches:
    input:
        **demands["fig7"].inputs(
            "fig7_grid_searches",
            tables=expand(FIG7.setting_grid_search, setting=fig7.experiment.settings),
        ),
    output:
        report(
            FIG7.grid_search,
            caption="../../report/fig7_grid_search.rst",
            category="Tables",
            labels={"table": "Figure 7: search for hyperparameters (CSV)"},
        ),
    log:
        f"{FIG7.logs}/grid_search.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the grid searches"
    shell:
        "l2o fig7 collect-grid-searches {input.tables} --out {output}"
        " --preset {params.preset} > {log} 2>&1"


rule fig7_timings:
    input:
        **demands["fig7"].inputs(
            "fig7_timings",
            seconds=expand(
                FIG7.solve_seconds, setting=fig7.experiment.settings, group=fig7.groups
            ),
            training=expand(
                FIG7.training_seconds, setting=fig7.experiment.settings, method=fig7.learned
            ),
        ),
    output:
        report(
            FIG7.timings,
            caption="../../report/fig7_timings.rst",
            category="Tables",
            labels={"table": "Figure 7: measured seconds (CSV)"},
        ),
    log:
        f"{FIG7.logs}/timings.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the measured seconds"
    shell:
        "l2o fig7 timings {input.seconds} {input.training} --out {output}"
        " --preset {params.preset} > {log} 2>&1"
