# The digits of MNIST, for all figures that train networks. What was fetched stays in data/mnist.


rule digits:
    input:
        **demands["fig8"].inputs("digits"),
    output:
        FIG8.digits,
    log:
        f"logs/{PRESET}/mnist/digits.log",
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=lambda wc, attempt: 20 * attempt,
    params:
        mirror=config["image_mirror"],
    message:
        "Fetching and storing the digits of MNIST"
    shell:
        "l2o store-digits {output} --mirror={params.mirror:q} > {log} 2>&1"
