# Optimizee sets: A, x* and b of all splits of a setting.


def dictionary_of(wildcards):
    name = fig5.experiment.settings[wildcards.setting].dictionary
    if name == "learned":
        return str(fig5.experiment.released_dictionary)
    return FIG5.dictionary.format(dictionary=name)


rule optimizee_set:
    input:
        **demands["fig5"].inputs("optimizee_set", dictionary=dictionary_of),
    output:
        FIG5.optimizee_set,
    log:
        f"{FIG5.logs}/sets/{{setting}}.log",
    benchmark:
        f"{FIG5.benchmarks}/sets/{{setting}}.tsv"
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 10 * attempt,
    params:
        preset=PRESET,
    message:
        "Sampling the optimizee set {wildcards.setting}"
    shell:
        "l2o fig5 sample-set {wildcards.setting} {input.dictionary} {output} --preset {params.preset} > {log} 2>&1"
