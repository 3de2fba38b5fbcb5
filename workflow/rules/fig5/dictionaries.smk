# Measurement matrices: Gaussian ones drawn, the coherent one learned from BSDS500 patches.


rule gaussian_dictionary:
    input:
        **demands["fig5"].inputs("gaussian_dictionary"),
    output:
        FIG5.dictionary,
    log:
        f"{FIG5.logs}/dictionaries/{{dictionary}}.log",
    params:
        preset=PRESET,
    message:
        "Drawing the dictionary {wildcards.dictionary}"
    shell:
        "l2o fig5 draw-dictionary {wildcards.dictionary} {output} --preset {params.preset} > {log} 2>&1"


# Not part of any figure: the learned dictionary is released with the repository. The target
# results/dictionaries/bsds500.h5 learns it again, for comparison.
learning = Demand([fig5.learning_task()], *proofs)


rule images:
    input:
        sums=str(SUMS),
    output:
        directory("data/bsds500"),
    log:
        "logs/dictionaries/images.log",
    params:
        mirror=config["image_mirror"],
    message:
        "Fetching the BSDS500 images"
    shell:
        "l2o fig5 images {output} {input.sums} --mirror={params.mirror:q} > {log} 2>&1"


rule learned_dictionary:
    input:
        **learning.inputs("learned_dictionary", images="data/bsds500", sums=str(SUMS)),
    output:
        str(LEARNED),
    log:
        "logs/dictionaries/bsds500.log",
    message:
        "Learning the coherent dictionary"
    shell:
        "l2o fig5 learn-dictionary {input.images} {input.sums} {output} > {log} 2>&1"
