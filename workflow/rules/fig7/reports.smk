# Figure 7 and its tables.


rule fig7_table:
    input:
        **demands["fig7"].inputs("fig7_table", curves=FIG7.curves, oracles=FIG7.oracles),
    output:
        csv=report(
            FIG7.table,
            caption="../../report/fig7_table.rst",
            category="Tables",
            labels={"table": "Figure 7 beside the published values (CSV)"},
        ),
        markdown=report(
            FIG7.table_text,
            caption="../../report/fig7_table.rst",
            category="Tables",
            labels={"table": "Figure 7 beside the published values (Markdown)"},
        ),
        metrics=FIG7.metrics,
    log:
        f"{FIG7.logs}/table.log",
    params:
        preset=PRESET,
    message:
        "Setting the results beside the published ones"
    shell:
        "l2o fig7 table {input.curves} {input.oracles} --csv {output.csv}"
        " --markdown {output.markdown} --metrics {output.metrics}"
        " --preset {params.preset} > {log} 2>&1"


rule fig7:
    input:
        **demands["fig7"].inputs("fig7", curves=FIG7.curves, oracles=FIG7.oracles),
    output:
        pdf=report(
            FIG7.figure,
            caption="../../report/fig7.rst",
            category="Figures",
            labels={"figure": "Figure 7 (PDF)"},
        ),
        png=report(
            FIG7.picture,
            caption="../../report/fig7.rst",
            category="Figures",
            labels={"figure": "Figure 7 (PNG)"},
        ),
    log:
        f"{FIG7.logs}/figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 7"
    shell:
        "l2o fig7 figure {input.curves} {input.oracles} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"


# The comparison once more, as a page: Snakemake's report cannot show Markdown.
rule fig7_table_page:
    input:
        **pages.inputs("fig7_table_page", table=FIG7.table),
    output:
        report(
            FIG7.table_page,
            caption="../../report/fig7_table.rst",
            category="Tables",
            labels={"table": "Figure 7 beside the published values"},
        ),
    log:
        f"{FIG7.logs}/table_page.log",
    params:
        preset=PRESET,
    message:
        "Setting the table as a page"
    shell:
        "l2o fig7 table-page {input.table} --out {output} --preset {params.preset} > {log} 2>&1"
