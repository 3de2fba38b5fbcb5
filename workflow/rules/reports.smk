# Figure and table.


rule fig5_table:
    input:
        **demand.inputs("fig5_table", curves=AT.curves),
    output:
        csv=AT.table,
        markdown=AT.table_text,
        metrics=AT.metrics,
    log:
        f"{AT.logs}/table.log",
    params:
        preset=PRESET,
    message:
        "Setting the results beside the published ones"
    shell:
        "l2o table {input.curves} --csv {output.csv} --markdown {output.markdown}"
        " --metrics {output.metrics} --preset {params.preset} > {log} 2>&1"


rule fig5:
    input:
        **demand.inputs("fig5", curves=AT.curves),
    output:
        pdf=AT.figure,
        png=AT.picture,
    log:
        f"{AT.logs}/figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 5"
    shell:
        "l2o figure {input.curves} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"


# The default preset also shows its reports at the top of the folder, as reports/fig5.pdf.
if PRESET == DEFAULT_PRESET:

    rule front_page:
        input:
            **demand.inputs("front_page", originals=list(AT.front_page.values())),
        output:
            list(AT.front_page),
        log:
            f"{AT.logs}/front_page.log",
        localrule: True
        params:
            preset=PRESET,
        message:
            "Copying figure and table to the top"
        shell:
            "l2o front-page --preset {params.preset} > {log} 2>&1"
