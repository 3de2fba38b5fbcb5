# Data: what experiments read, sampled from named seeds or fetched and verified.


rule sample:
    input:
        unpack(inputs("sample")),
    output:
        **outputs("sample"),
    log:
        log_file("sample"),
    resources:
        **asks("sample"),
    message:
        "Sampling the optimizee set {wildcards.setting} of {wildcards.experiment}"
    shell:
        command("sample")


rule optima:
    input:
        unpack(inputs("optima")),
    output:
        **outputs("optima"),
    log:
        log_file("optima"),
    threads: needs("optima", "threads")
    resources:
        **asks("optima"),
    message:
        "Finding what results on {wildcards.setting} of {wildcards.experiment} are held against"
    shell:
        command("optima")


rule store:
    input:
        unpack(inputs("store")),
    output:
        **outputs("store"),
    log:
        log_file("store"),
    message:
        "Storing {wildcards.dataset}"
    shell:
        command("store")


# Part of no figure: results/dictionaries/bsds500.h5 learns the released dictionary again.
rule learn:
    input:
        unpack(inputs("learn")),
    output:
        **outputs("learn"),
    log:
        log_file("learn"),
    message:
        "Learning the dictionary {wildcards.dictionary} from images"
    shell:
        command("learn")
