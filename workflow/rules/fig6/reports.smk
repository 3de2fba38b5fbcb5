# Figure 6 and its tables.


rule fig6_table:
    input:
        **demands["fig6"].inputs("fig6_table", curves=FIG6.curves),
    output:
        csv=report(
            FIG6.table,
            caption="../../report/fig6_table.rst",
            category="Tables",
            labels={"table": "Figure 6 beside the published values (CSV)"},
        ),
        markdown=report(
            FIG6.table_text,
            caption="../../report/fig6_table.rst",
            category="Tables",
            labels={"table": "Figure 6 beside the published values (Markdown)"},
        ),
        metrics=FIG6.metrics,
    log:
        f"{FIG6.logs}/table.log",
    params:
        preset=PRESET,
    message:
        "Setting the results beside the published ones"
    shell:
        "l2o fig6 table {input.curves} --csv {output.csv} --markdown {output.markdown}"
        " --metrics {output.metrics} --preset {params.preset} > {log} 2>&1"


rule fig6:
    input:
        **demands["fig6"].inputs("fig6", curves=FIG6.curves),
    output:
        pdf=report(
            FIG6.figure,
            caption="../../report/fig6.rst",
            category="Figures",
            labels={"figure": "Figure 6 (PDF)"},
        ),
        png=report(
            FIG6.picture,
            caption="../../report/fig6.rst",
            category="Figures",
            labels={"figure": "Figure 6 (PNG)"},
        ),
    log:
        f"{FIG6.logs}/figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 6"
    shell:
        "l2o fig6 figure {input.curves} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"


rule fig6_seconds_figure:
    input:
        **demands["fig6"].inputs("fig6_seconds_figure", curves=FIG6.curves, seconds=FIG6.seconds),
    output:
        pdf=report(
            FIG6.seconds_figure,
            caption="../../report/fig6_seconds.rst",
            category="Figures",
            labels={"figure": "Figure 6 over time (PDF)"},
        ),
        png=report(
            FIG6.seconds_picture,
            caption="../../report/fig6_seconds.rst",
            category="Figures",
            labels={"figure": "Figure 6 over time (PNG)"},
        ),
    log:
        f"{FIG6.logs}/seconds_figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 6 over time"
    shell:
        "l2o fig6 seconds-figure {input.curves} {input.seconds} --pdf {output.pdf}"
        " --png {output.png} --preset {params.preset} > {log} 2>&1"


# The comparison once more, as a page: Snakemake's report cannot show Markdown.
rule fig6_table_page:
    input:
        **pages.inputs("fig6_table_page", table=FIG6.table),
    output:
        report(
            FIG6.table_page,
            caption="../../report/fig6_table.rst",
            category="Tables",
            labels={"table": "Figure 6 beside the published values"},
        ),
    log:
        f"{FIG6.logs}/table_page.log",
    params:
        preset=PRESET,
    message:
        "Setting the table as a page"
    shell:
        "l2o fig6 table-page {input.table} --out {output} --preset {params.preset} > {log} 2>&1"
