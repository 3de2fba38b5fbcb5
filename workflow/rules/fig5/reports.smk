# Figure 5 and its tables.


rule fig5_table:
    input:
        **demands["fig5"].inputs("fig5_table", curves=FIG5.curves),
    output:
        csv=report(
            FIG5.table,
            caption="../../report/fig5_table.rst",
            category="Tables",
            labels={"table": "Figure 5 beside the published values (CSV)"},
        ),
        markdown=report(
            FIG5.table_text,
            caption="../../report/fig5_table.rst",
            category="Tables",
            labels={"table": "Figure 5 beside the published values (Markdown)"},
        ),
        metrics=FIG5.metrics,
    log:
        f"{FIG5.logs}/table.log",
    params:
        preset=PRESET,
    message:
        "Setting the results beside the published ones"
    shell:
        "l2o fig5 table {input.curves} --csv {output.csv} --markdown {output.markdown}"
        " --metrics {output.metrics} --preset {params.preset} > {log} 2>&1"


rule fig5:
    input:
        **demands["fig5"].inputs("fig5", curves=FIG5.curves),
    output:
        pdf=report(
            FIG5.figure,
            caption="../../report/fig5.rst",
            category="Figures",
            labels={"figure": "Figure 5 (PDF)"},
        ),
        png=report(
            FIG5.picture,
            caption="../../report/fig5.rst",
            category="Figures",
            labels={"figure": "Figure 5 (PNG)"},
        ),
    log:
        f"{FIG5.logs}/figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 5"
    shell:
        "l2o fig5 figure {input.curves} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"


# The comparison once more, as a page: Snakemake's report cannot show Markdown.
rule fig5_table_page:
    input:
        **pages.inputs("fig5_table_page", table=FIG5.table),
    output:
        report(
            FIG5.table_page,
            caption="../../report/fig5_table.rst",
            category="Tables",
            labels={"table": "Figure 5 beside the published values"},
        ),
    log:
        f"{FIG5.logs}/table_page.log",
    params:
        preset=PRESET,
    message:
        "Setting the table as a page"
    shell:
        "l2o fig5 table-page {input.table} --out {output} --preset {params.preset} > {log} 2>&1"
