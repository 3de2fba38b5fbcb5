# Methods: tuned, trained, followed and timed; one job a method and setting. The state of an
# unfinished training lies outside `output:`, because Snakemake deletes the outputs of a job before
# it runs it again.
HISTORIES = ("Loss histories", "{experiment}, {setting}")  # category and subcategory in the report


rule tune:
    input:
        unpack(inputs("tune")),
    output:
        **outputs("tune"),
    log:
        log_file("tune"),
    threads: needs("tune", "threads")
    resources:
        **asks("tune"),
    message:
        "Searching hyperparameters of {wildcards.method} on {wildcards.setting}"
    shell:
        command("tune")


rule train:
    input:
        unpack(inputs("train")),
    output:
        **outputs("train", history=shown("train", "history", *HISTORIES, method="{w.method}")),
    log:
        log_file("train"),
    threads: needs("train", "threads")
    resources:
        **({"gpu": needs("train", "gpu")} if GPU else {}),
        **asks("train"),
    params:
        caption=caption("train"),
    message:
        "Training {wildcards.method} on {wildcards.setting} of {wildcards.experiment}"
    shell:
        command("train")


rule evaluate:
    input:
        unpack(inputs("evaluate")),
    output:
        **outputs("evaluate"),
    log:
        log_file("evaluate"),
    threads: needs("evaluate", "threads")
    resources:
        **asks("evaluate"),
    message:
        "Evaluating {wildcards.method} on {wildcards.setting} of {wildcards.experiment}"
    shell:
        command("evaluate")


# All methods one after the other in one job, so that their times can be compared.
rule time:
    input:
        unpack(inputs("time")),
    output:
        **outputs("time"),
    log:
        log_file("time"),
    threads: needs("time", "threads")
    resources:
        **asks("time"),
    message:
        "Timing all methods of {wildcards.report} on {wildcards.setting}"
    shell:
        command("time")


rule measure:
    input:
        unpack(inputs("measure")),
    output:
        **outputs("measure"),
    log:
        log_file("measure"),
    threads: needs("measure", "threads")
    resources:
        **asks("measure"),
        large_memory=needs("measure", "large"),
    message:
        "Measuring {wildcards.measurement}"
    shell:
        command("measure")
