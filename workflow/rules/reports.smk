# Reports: tables of all settings and methods, figures, claims, pages, and copies at the top.


rule join:
    input:
        unpack(inputs("join")),
    output:
        table=shown("join", "table", "Tables", table="{of}: {w.table} (CSV)"),
    log:
        log_file("join"),
    localrule: True
    params:
        caption=caption("join"),
    message:
        "Joining the {wildcards.table} of {wildcards.report}"
    shell:
        command("join")


rule table:
    input:
        unpack(inputs("table")),
    output:
        **outputs("table", **shown_all("table", ("csv", "markdown", "page"), "{of}: comparison")),
    log:
        log_file("table"),
    localrule: True
    params:
        caption=caption("table"),
    message:
        "Comparing the methods of {wildcards.report}"
    shell:
        command("table")


rule figure:
    input:
        unpack(inputs("figure")),
    output:
        pdf=shown("figure", "pdf", "Figures", figure="{of}: {w.figure} (PDF)"),
        png=shown("figure", "png", "Figures", figure="{of}: {w.figure} (PNG)"),
    log:
        log_file("figure"),
    params:
        caption=caption("figure"),
    message:
        "Drawing {wildcards.figure}"
    shell:
        command("figure")


rule claims:
    input:
        unpack(inputs("claims")),
    output:
        **shown_all("claims", ("csv", "markdown"), "The paper's claims"),
    log:
        log_file("claims"),
    params:
        caption=caption("claims"),
    message:
        "Testing what the paper says of its figures"
    shell:
        command("claims")


rule verdict:
    input:
        unpack(inputs("verdict")),
    output:
        **shown_all("verdict", ("csv", "markdown"), "Learned against classical"),
    log:
        log_file("verdict"),
    params:
        caption=caption("verdict"),
    message:
        "Holding learned methods against the strongest classical ones"
    shell:
        command("verdict")


rule records:
    input:
        unpack(inputs("records")),
    output:
        page=shown("records", "page", "Provenance", table="What made {w.target}"),
    log:
        log_file("records"),
    localrule: True
    params:
        caption=caption("records"),
    message:
        "Collecting what made {wildcards.target}"
    shell:
        command("records")


# Copies at the top are apart from all else: a clone that pulled by DVC lacks nothing but them.
rule copy:
    input:
        unpack(inputs("copy")),
    output:
        **outputs("copy"),
    log:
        log_file("copy"),
    wildcard_constraints:
        file="|".join(map(re.escape, (job.wildcards["file"] for job in graph.copies))) or "none",
    localrule: True
    message:
        "Copying {wildcards.file} to the top"
    shell:
        command("copy")


# What `snakemake --report` shows; see `make report`.
rule report_parts:
    input:
        rules.all.input,
        paths(job for job in graph.apart if job.kind == "records"),


# The site shows whatever presets are built, this one among them; see `make site`.
rule site:
    input:
        rules.report_parts.input,
    log:
        f"logs/{PRESET}/site.log",
    localrule: True
    shell:
        PROGRAM + " site > {log} 2>&1"
