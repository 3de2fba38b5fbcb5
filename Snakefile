# The graph of the benchmark: parameters -> optimizee sets -> checkpoints -> curves -> figures.
# Rules by stage are in workflow/rules; what a step reads and runs is told by l2o.steps, and its key
# there is a parameter of the rule, so that exactly the steps that a change concerns run again.
from snakemake.utils import min_version

from l2o.errors import InputError
from l2o.steps import Fig5Steps

min_version("9.0")


configfile: "params/run.yaml"


PRESET = config["preset"]
try:
    fig5 = Fig5Steps("params/fig5.yaml", PRESET)
except InputError as error:
    raise WorkflowError(str(error)) from None

# Outputs of different presets never share a path; the default preset reports at the top.
RESULTS = f"results/{PRESET}/fig5"
REPORTS = "reports" if PRESET == "laptop" else f"reports/{PRESET}"
LOGS = f"logs/{PRESET}/fig5"
BENCHMARKS = f"benchmarks/{PRESET}/fig5"


wildcard_constraints:
    setting="|".join(fig5.experiment.settings),
    method="|".join(fig5.experiment.unrolled),
    dictionary="|".join(fig5.sizes.gaussian),


localrules:
    all,
    curves,


rule all:
    default_target: True
    input:
        multiext(f"{REPORTS}/fig5", ".pdf", ".png", "_table.csv", "_table.md", "_timings.csv"),


include: "workflow/rules/dictionaries.smk"
include: "workflow/rules/sets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/reports.smk"
