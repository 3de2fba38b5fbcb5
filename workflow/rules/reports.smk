# Figure and table, and the report that shows them.


report: "../report/workflow.rst"


# Captions tell the preset's note on its budget from here.
config["note"] = fig5.sizes.note

# The pages of the report apart from all else: what they lack must make nothing else run.
pages = Demand(fig5.report_tasks(), *proofs)


rule fig5_table:
    input:
        **demand.inputs("fig5_table", curves=AT.curves),
    output:
        csv=report(
            AT.table,
            caption="../report/fig5_table.rst",
            category="Tables",
            labels={"table": "Figure 5 beside the published values (CSV)"},
        ),
        markdown=report(
            AT.table_text,
            caption="../report/fig5_table.rst",
            category="Tables",
            labels={"table": "Figure 5 beside the published values (Markdown)"},
        ),
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
        pdf=report(
            AT.figure,
            caption="../report/fig5.rst",
            category="Figures",
            labels={"figure": "Figure 5 (PDF)"},
        ),
        png=report(
            AT.picture,
            caption="../report/fig5.rst",
            category="Figures",
            labels={"figure": "Figure 5 (PNG)"},
        ),
    log:
        f"{AT.logs}/figure.log",
    params:
        preset=PRESET,
    message:
        "Drawing Figure 5"
    shell:
        "l2o figure {input.curves} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"


# The comparison once more, as a page: Snakemake's report cannot show Markdown.
rule table_page:
    input:
        **pages.inputs("table_page", table=AT.table),
    output:
        report(
            AT.table_page,
            caption="../report/fig5_table.rst",
            category="Tables",
            labels={"table": "Figure 5 beside the published values"},
        ),
    log:
        f"{AT.logs}/table_page.log",
    params:
        preset=PRESET,
    message:
        "Setting the table as a page"
    shell:
        "l2o table-page {input.table} --out {output} --preset {params.preset} > {log} 2>&1"


rule provenance_table:
    input:
        **pages.inputs("provenance_table", results=[AT.table, AT.figure, AT.timings]),
    output:
        report(
            AT.provenance_page,
            caption="../report/provenance.rst",
            category="Provenance",
            labels={"table": "What made each artifact"},
        ),
    log:
        f"{AT.logs}/provenance_page.log",
    params:
        preset=PRESET,
    message:
        "Collecting what made each artifact"
    shell:
        "l2o provenance-page --out {output} --preset {params.preset} > {log} 2>&1"


# What `snakemake --report` shows; see `make report`.
rule report_parts:
    input:
        rules.all.input,
        rules.table_page.output,
        rules.provenance_table.output,


# The default preset also shows its reports at the top of the folder, as reports/fig5.pdf. Copies are
# apart from all else: DVC does not carry them, and a clone that pulled lacks nothing without them.
if PRESET == DEFAULT_PRESET:
    front = Demand([fig5.front_page_task()], *proofs)

    rule front_page:
        input:
            **front.inputs("front_page", originals=list(AT.front_page.values())),
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
