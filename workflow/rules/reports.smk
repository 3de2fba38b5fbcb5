# Figure and table.


rule fig5_table:
    input:
        f"{REPORTS}/fig5_curves.csv",
    output:
        csv=f"{REPORTS}/fig5_table.csv",
        markdown=f"{REPORTS}/fig5_table.md",
    log:
        f"{LOGS}/table.log",
    params:
        preset=PRESET,
        key=fig5.table().key,
    message:
        "Setting the results beside the published ones"
    shell:
        "l2o table {input} --csv {output.csv} --markdown {output.markdown}"
        " --preset {params.preset} > {log} 2>&1"


rule fig5:
    input:
        f"{REPORTS}/fig5_curves.csv",
    output:
        pdf=f"{REPORTS}/fig5.pdf",
        png=f"{REPORTS}/fig5.png",
    log:
        f"{LOGS}/figure.log",
    params:
        preset=PRESET,
        key=fig5.figure().key,
    message:
        "Drawing Figure 5"
    shell:
        "l2o figure {input} --pdf {output.pdf} --png {output.png}"
        " --preset {params.preset} > {log} 2>&1"
