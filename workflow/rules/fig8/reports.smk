# Figure 8 and its tables.


rule fig8_table:
    input:
        **demands["fig8"].inputs("fig8_table", curves=FIG8.curves, finals=FIG8.finals),
    output:
        csv=report(
            FIG8.table,
            caption="../../report/fig8_table.rst",
            category="Tables",
            labels={"table": "Figure 8 beside the published values (CSV)"},
        ),
        markdown=report(
            FIG8.table_text,
            caption="../../report/fig8_table.rst",
            category="Tables",
            labels={"table": "Figure 8 beside the published values (Markdown)"},
        ),
        metrics=FIG8.metrics,
    log:
        f"{FIG8.logs}/table.log",
    params:
        preset=PRESET,
    message:
        "Setting the results beside the published ones"
    shell:
        "l2o fig8 table {input.curves} {input.finals} --csv {output.csv}"
        " --markdown {output.markdown} --metrics {output.metrics}"
        " --preset {params.preset} > {log} 2>&1"


rule fig8:
    input:
        **demands["fig8"].inputs("fig8", curves=FIG8.curves, finals=FIG8.finals),
    output:
        pdf=report(
            FIG8.figure,
            caption="../../report/fig8.rst",
            category="Figures",
            labels={"figure": "Figure 8 (PDF)"},
        ),
        png=report(
            FIG8.picture,
            caption="../../report/fig8.rst",
            category="Figures",
            labels={"figure": "Figure 8 (PNG)"},
        ),
    log:
        f"{FIG8.logs}/figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 8"
    shell:
        "l2o fig8 figure {input.curves} {input.finals} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"


# The comparison once more, as a page: Snakemake's report cannot show Markdown.
rule fig8_table_page:
    input:
        **pages.inputs("fig8_table_page", table=FIG8.table),
    output:
        report(
            FIG8.table_page,
            caption="../../report/fig8_table.rst",
            category="Tables",
            labels={"table": "Figure 8 beside the published values"},
        ),
    log:
        f"{FIG8.logs}/table_page.log",
    params:
        preset=PRESET,
    message:
        "Setting the table as a page"
    shell:
        "l2o fig8 table-page {input.table} --out {output} --preset {params.preset} > {log} 2>&1"
