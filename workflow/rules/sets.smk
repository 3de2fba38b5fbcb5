# Optimizee sets: A, x* and b of all splits of a setting.


def dictionary_of(wildcards):
    name = fig5.experiment.settings[wildcards.setting].dictionary
    if name == "learned":
        return str(fig5.experiment.released_dictionary)
    return f"{RESULTS}/dictionaries/{name}.h5"


rule optimizee_set:
    input:
        dictionary_of,
    output:
        f"{RESULTS}/sets/{{setting}}.h5",
    log:
        f"{LOGS}/sets/{{setting}}.log",
    benchmark:
        f"{BENCHMARKS}/sets/{{setting}}.tsv"
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
        key=lambda wc: fig5.optimizee_set(wc.setting).key,
    message:
        "Sampling the optimizee set {wildcards.setting}"
    shell:
        "l2o sample-set {wildcards.setting} {input} {output} --preset {params.preset} > {log} 2>&1"
