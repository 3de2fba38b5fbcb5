# What concerns all figures: the report, and the copies at the top of reports/.


report: "../report/workflow.rst"


# Captions tell the notes on the preset's budgets from here.
config["notes"] = {name: steps.sizes.note for name, steps in figures.items()}
config["claims_note"] = claims.budget_note(figures)


rule provenance_table:
    input:
        **pages.inputs("provenance_table", results=results),
    output:
        report(
            PROVENANCE_PAGE.format(preset=PRESET),
            caption="../report/provenance.rst",
            category="Provenance",
            labels={"table": "What made each artifact"},
        ),
    log:
        f"logs/{PRESET}/provenance_page.log",
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
        [steps.layout.table_page for steps in figures.values()],
        rules.provenance_table.output,


# Copies at the top are apart from all else: DVC does not carry them, and a clone that pulled lacks
# nothing but them.
if PRESET == DEFAULT_PRESET:
    front = Demand(copied, *proofs)
    for name, steps in figures.items():

        rule:
            name:
                f"{name}_front_page"
            input:
                **front.inputs(
                    f"{name}_front_page", originals=list(steps.layout.front_page.values())
                ),
            output:
                list(steps.layout.front_page),
            log:
                f"{steps.layout.logs}/front_page.log",
            localrule: True
            params:
                preset=PRESET,
                figure=name,
            message:
                "Copying figure and table to the top"
            shell:
                "l2o front-page {params.figure} --preset {params.preset} > {log} 2>&1"
