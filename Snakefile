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

from l2o.artifacts.demand import Demand
from l2o.errors import InputError
from l2o.steps import DEFAULT_PRESET, LEARNED, SUMS, Fig5Steps

min_version("9.0")


configfile: "params/run.yaml"


PRESET = config["preset"]
if config["cache"]:
    os.environ.setdefault("L2O_CACHE", config["cache"])
try:
    fig5 = Fig5Steps("params/fig5.yaml", PRESET)
except InputError as error:
    raise WorkflowError(str(error)) from None

AT = fig5.layout
proofs = (ancient, Path(".snakemake/demand"), workflow.is_main_process)
demand = Demand(fig5.tasks(), *proofs)


wildcard_constraints:
    setting="|".join(fig5.experiment.settings),
    method="|".join(fig5.experiment.unrolled),
    dictionary="|".join(fig5.sizes.gaussian),


rule all:
    default_target: True
    input:
        AT.figure,
        AT.table,
        AT.timings,
        demand.invalid,


include: "workflow/rules/dictionaries.smk"
include: "workflow/rules/sets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/reports.smk"
