# Figure 3, its tables, and the memory of unrolling.


rule fig3_curves:
    input:
        **demands["fig3"].inputs(
            "fig3_curves", tables=expand(FIG3.method_curves, setting=fig3.experiment.settings)
        ),
    output:
        report(
            FIG3.curves,
            caption="../../report/fig3_curves.rst",
            category="Tables",
            labels={"table": "Figure 3: meta-test curves (CSV)"},
        ),
    log:
        f"{FIG3.logs}/curves.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the curves of all lengths"
    shell:
        "l2o fig3 collect {input.tables} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig3_lengths:
    input:
        **demands["fig3"].inputs(
            "fig3_lengths",
            histories=expand(FIG3.history, setting=fig3.experiment.settings, method=fig3.learned),
        ),
    output:
        report(
            FIG3.lengths,
            caption="../../report/fig3_lengths.rst",
            category="Tables",
            labels={"table": "Figure 3: meta-training by unroll length (CSV)"},
        ),
    log:
        f"{FIG3.logs}/lengths.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Summing up the meta-training of all lengths"
    shell:
        "l2o fig3 lengths {input.histories} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig3_timings:
    input:
        **demands["fig3"].inputs(
            "fig3_timings",
            seconds=expand(FIG3.solve_seconds, setting=fig3.experiment.settings),
            training=expand(
                FIG3.training_seconds, setting=fig3.experiment.settings, method=fig3.learned
            ),
        ),
    output:
        report(
            FIG3.timings,
            caption="../../report/fig3_timings.rst",
            category="Tables",
            labels={"table": "Figure 3: measured seconds (CSV)"},
        ),
    log:
        f"{FIG3.logs}/timings.log",
    localrule: True
    params:
        preset=PRESET,
    message:
        "Joining the measured seconds"
    shell:
        "l2o fig3 timings {input.seconds} {input.training} --out {output} --preset {params.preset} > {log} 2>&1"


rule fig3_memory:
    input:
        **demands["fig3"].inputs("fig3_memory"),
    output:
        report(
            FIG3.memory,
            caption="../../report/memory.rst",
            category="Tables",
            labels={"table": "Peak memory of meta-gradients (CSV)"},
        ),
    log:
        f"{FIG3.logs}/memory.log",
    threads: fig3.experiment.compute_threads
    resources:
        mem_mb=round(1024 * fig3.sizes.memory.limit_gib) + 1000,
        large_memory=1,
        runtime=lambda wc, attempt: 60 * attempt,
    params:
        preset=PRESET,
    message:
        "Measuring the memory of unrolling"
    shell:
        "l2o fig3 memory --out {output} --preset {params.preset} > {log} 2>&1"


rule fig3_memory_training:
    input:
        **demands["fig3"].inputs("fig3_memory_training", digits=FIG3.digits),
    output:
        report(
            FIG3.memory_training,
            caption="../../report/memory.rst",
            category="Tables",
            labels={"table": "Meta-training through a large network (CSV)"},
        ),
    log:
        f"{FIG3.logs}/memory_training.log",
    threads: fig3.experiment.compute_threads
    resources:
        mem_mb=16000,
        large_memory=1,
        runtime=lambda wc, attempt: 120 * attempt,
    params:
        preset=PRESET,
        state=FIG3.unfinished_large,
    message:
        "Meta-training through a large network"
    shell:
        "l2o fig3 memory-training {input.digits} --out {output} --state {params.state}"
        " --preset {params.preset} > {log} 2>&1"


rule fig3_memory_figure:
    input:
        **demands["fig3"].inputs(
            "fig3_memory_figure", measured=FIG3.memory, training=FIG3.memory_training
        ),
    output:
        pdf=report(
            FIG3.memory_figure,
            caption="../../report/memory.rst",
            category="Figures",
            labels={"figure": "The memory of unrolling (PDF)"},
        ),
        png=report(
            FIG3.memory_picture,
            caption="../../report/memory.rst",
            category="Figures",
            labels={"figure": "The memory of unrolling (PNG)"},
        ),
    log:
        f"{FIG3.logs}/memory_figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing the memory of unrolling"
    shell:
        "l2o fig3 memory-figure {input.measured} {input.training} --pdf {output.pdf}"
        " --png {output.png} --preset {params.preset} > {log} 2>&1"


rule fig3_table:
    input:
        **demands["fig3"].inputs("fig3_table", curves=FIG3.curves, lengths=FIG3.lengths),
    output:
        csv=report(
            FIG3.table,
            caption="../../report/fig3_table.rst",
            category="Tables",
            labels={"table": "Figure 3 by unroll length (CSV)"},
        ),
        markdown=report(
            FIG3.table_text,
            caption="../../report/fig3_table.rst",
            category="Tables",
            labels={"table": "Figure 3 by unroll length (Markdown)"},
        ),
        metrics=FIG3.metrics,
    log:
        f"{FIG3.logs}/table.log",
    params:
        preset=PRESET,
    message:
        "Setting up the table of lengths"
    shell:
        "l2o fig3 table {input.curves} {input.lengths} --csv {output.csv}"
        " --markdown {output.markdown} --metrics {output.metrics}"
        " --preset {params.preset} > {log} 2>&1"


rule fig3:
    input:
        **demands["fig3"].inputs("fig3", curves=FIG3.curves, lengths=FIG3.lengths),
    output:
        pdf=report(
            FIG3.figure,
            caption="../../report/fig3.rst",
            category="Figures",
            labels={"figure": "Figure 3 (PDF)"},
        ),
        png=report(
            FIG3.picture,
            caption="../../report/fig3.rst",
            category="Figures",
            labels={"figure": "Figure 3 (PNG)"},
        ),
    log:
        f"{FIG3.logs}/figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 3"
    shell:
        "l2o fig3 figure {input.curves} {input.lengths} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"


# The comparison once more, as a page: Snakemake's report cannot show Markdown.
rule fig3_table_page:
    input:
        **pages.inputs("fig3_table_page", table=FIG3.table),
    output:
        report(
            FIG3.table_page,
            caption="../../report/fig3_table.rst",
            category="Tables",
            labels={"table": "Figure 3 by unroll length"},
        ),
    log:
        f"{FIG3.logs}/table_page.log",
    params:
        preset=PRESET,
    message:
        "Setting the table as a page"
    shell:
        "l2o fig3 table-page {input.table} --out {output} --preset {params.preset} > {log} 2>&1"
