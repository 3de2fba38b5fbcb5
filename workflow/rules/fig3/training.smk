# Meta-training with each unroll length, and how its optimizer fares on new runs.


def length_checkpoint(wildcards):
    """The optimizer that was trained with a length."""
    return FIG3.checkpoint.format(setting=wildcards.setting, method=fig3.learned[0])


def unroll(wildcards):
    """Inner steps that are kept for the backward pass, 21 MB each."""
    return fig3.experiment.settings[wildcards.setting].unroll


# As in Figure 5, an unfinished training lies outside `output:`.
rule fig3_meta_train:
    input:
        **demands["fig3"].inputs("fig3_meta_train", data=FIG3.digits),
    output:
        checkpoint=FIG3.checkpoint,
        history=report(
            FIG3.history,
            caption="../../report/fig3_meta_train_history.rst",
            category="Loss histories",
            subcategory="Figure 3: {setting}",
            labels={"method": "{method}"},
        ),
        timing=FIG3.training_seconds,
    log:
        f"{FIG3.logs}/training/{{setting}}/{{method}}.log",
    benchmark:
        f"{FIG3.benchmarks}/training/{{setting}}/{{method}}.tsv"
    threads: fig3.experiment.compute_threads
    resources:
        **({"gpu": 1} if fig3.experiment.device == "cuda" else {}),
        mem_mb=lambda wc, attempt: (1500 + 25 * unroll(wc)) * attempt,
        large_memory=lambda wc: int(unroll(wc) >= 100),
        runtime=lambda wc, attempt: 240 * attempt,
    params:
        preset=PRESET,
        state=FIG3.unfinished,
    message:
        "Training {wildcards.method} with {wildcards.setting}"
    shell:
        "l2o fig3 train {wildcards.setting} {wildcards.method} {input.data} {output.checkpoint}"
        " --history {output.history} --timing {output.timing} --state {params.state}"
        " --preset {params.preset} > {log} 2>&1"


rule fig3_evaluate:
    input:
        **demands["fig3"].inputs("fig3_evaluate", digits=FIG3.digits, checkpoint=length_checkpoint),
    output:
        curves=FIG3.method_curves,
        seconds=FIG3.solve_seconds,
    log:
        f"{FIG3.logs}/evaluation/{{setting}}.log",
    benchmark:
        f"{FIG3.benchmarks}/evaluation/{{setting}}.tsv"
    threads: fig3.experiment.compute_threads
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=lambda wc, attempt: 120 * attempt,
    params:
        preset=PRESET,
    message:
        "Following the meta-test of {wildcards.setting}"
    shell:
        "l2o fig3 evaluate {wildcards.setting} {input.digits} {input.checkpoint}"
        " --curves {output.curves} --seconds {output.seconds} --preset {params.preset} > {log} 2>&1"
