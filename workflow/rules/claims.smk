# What the paper says of its figures, tested on ours.


rule claims:
    input:
        **demands["claims"].inputs("claims", tables=claims.tested_paths(figures)),
    output:
        csv=report(
            CLAIMS.format(preset=PRESET),
            caption="../report/claims.rst",
            category="Tables",
            labels={"table": "The paper's claims, tested (CSV)"},
        ),
        markdown=report(
            CLAIMS_TEXT.format(preset=PRESET),
            caption="../report/claims.rst",
            category="Tables",
            labels={"table": "The paper's claims, tested (Markdown)"},
        ),
    log:
        f"logs/{PRESET}/claims.log",
    params:
        preset=PRESET,
    message:
        "Testing what the paper says of its figures"
    shell:
        "l2o claims {input.tables} --csv {output.csv} --markdown {output.markdown}"
        " --preset {params.preset} > {log} 2>&1"


rule claims_all:
    input:
        claims.results(PRESET),
        demands["claims"].invalid,


if PRESET == DEFAULT_PRESET:

    rule claims_front_page:
        input:
            **front.inputs("claims_front_page", original=CLAIMS_TEXT.format(preset=PRESET)),
        output:
            CLAIMS_FRONT_PAGE,
        log:
            f"logs/{PRESET}/claims_front_page.log",
        localrule: True
        params:
            preset=PRESET,
        message:
            "Copying the verdicts on the claims to the top"
        shell:
            "l2o front-page claims --preset {params.preset} > {log} 2>&1"
