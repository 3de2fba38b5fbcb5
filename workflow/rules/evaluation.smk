# Evaluation: every layer of every net, the classical solvers and the oracle, in float64.


rule evaluate:
    input:
        data=f"{RESULTS}/sets/{{setting}}.h5",
        checkpoints=expand(
            f"{RESULTS}/checkpoints/{{{{setting}}}}/{{method}}.safetensors",
            method=fig5.experiment.unrolled,
        ),
    output:
        curves=f"{RESULTS}/curves/{{setting}}.csv",
        timings=f"{RESULTS}/solve_seconds/{{setting}}.csv",
    log:
        f"{LOGS}/evaluation/{{setting}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluation/{{setting}}.tsv"
    threads: fig5.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 1600 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
        key=lambda wc: fig5.evaluation(wc.setting).key,
    message:
        "Evaluating all methods on {wildcards.setting}"
    shell:
        "l2o evaluate {wildcards.setting} {input.data} {input.checkpoints}"
        " --curves {output.curves} --timings {output.timings}"
        " --preset {params.preset} > {log} 2>&1"


rule curves:
    input:
        expand(f"{RESULTS}/curves/{{setting}}.csv", setting=fig5.experiment.settings),
    output:
        f"{REPORTS}/fig5_curves.csv",
    log:
        f"{LOGS}/curves.log",
    message:
        "Joining the curves of all settings"
    shell:
        "l2o collect {input} --out {output} > {log} 2>&1"


rule timings:
    input:
        solve=expand(f"{RESULTS}/solve_seconds/{{setting}}.csv", setting=fig5.experiment.settings),
        training=expand(
            f"{RESULTS}/training_seconds/{{setting}}/{{method}}.json",
            setting=fig5.experiment.settings,
            method=fig5.experiment.unrolled,
        ),
    output:
        f"{REPORTS}/fig5_timings.csv",
    log:
        f"{LOGS}/timings.log",
    message:
        "Joining the measured seconds"
    shell:
        "l2o timings {input.solve} {input.training} --out {output} > {log} 2>&1"
