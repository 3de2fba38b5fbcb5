# The graph of the benchmark: parameters -> optimizee sets -> checkpoints -> curves -> figures.
# Rules by stage are in workflow/rules. What a step reads and runs is told by l2o.steps; whether its
# artifacts are valid is told by the proof beside them, and by nothing else (l2o.artifacts.demand).
import os
import sys
from pathlib import Path

# The sources beside this file, also where the installed package comes from another checkout.
sys.path.insert(0, SOURCES := str(Path(workflow.basedir) / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join([SOURCES, *filter(None, [os.environ.get("PYTHONPATH")])])

from snakemake.utils import min_version

min_version("9.0")


configfile: "params/run.yaml"


# Jobs that take gigabytes run one at a time. Not in the default profile: there it would take the place
# of what another profile limits.
if "large_memory" not in workflow.global_resources:
    workflow.register_resource("large_memory", 1)


include: "workflow/rules/figures.smk"


wildcard_constraints:
    setting="|".join({name for steps in figures.values() for name in steps.settings}),
    method="|".join({name for steps in figures.values() for name in steps.learned}),
    dictionary="|".join(fig5.sizes.gaussian),


rule all:
    default_target: True
    input:
        results,
        [path for demand in demands.values() for path in demand.invalid],
        front_pages,


include: "workflow/rules/fig5/dictionaries.smk"
include: "workflow/rules/fig5/sets.smk"
include: "workflow/rules/fig5/training.smk"
include: "workflow/rules/fig5/evaluation.smk"
include: "workflow/rules/fig5/reports.smk"
include: "workflow/rules/fig6/training.smk"
include: "workflow/rules/fig6/evaluation.smk"
include: "workflow/rules/fig6/reports.smk"
include: "workflow/rules/fig7/training.smk"
include: "workflow/rules/fig7/evaluation.smk"
include: "workflow/rules/fig7/reports.smk"
include: "workflow/rules/digits.smk"
include: "workflow/rules/fig3/training.smk"
include: "workflow/rules/fig3/reports.smk"
include: "workflow/rules/fig8/training.smk"
include: "workflow/rules/fig8/evaluation.smk"
include: "workflow/rules/fig8/reports.smk"
include: "workflow/rules/reports.smk"
include: "workflow/rules/claims.smk"


for name, steps in figures.items():

    rule:
        name:
            f"{name}_all"
        input:
            list(steps.results()),
            demands[name].invalid,
