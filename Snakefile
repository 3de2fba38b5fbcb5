# The graph of the benchmark: every rule is a kind of job, for all experiments. What a job reads and
# writes is told by l2o.experiments, and what is valid by the proofs beside it (docs/proofs.md).
import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# The sources beside this file, also where the installed package comes from another checkout; and no
# module that happens to lie in this folder, which Snakemake puts first.
SOURCES = str(Path(workflow.basedir) / "src")
sys.path[:] = [SOURCES, *(path for path in sys.path if path not in ("", workflow.basedir))]


include: "workflow/rules/common.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        paths(graph.wanted()),
        demand.invalid(graph.jobs),
        paths(graph.copies),


include: "workflow/rules/data.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/reports.smk"


# fig5_all and so on: one report with all that belongs to it; claims_all, verdict_all.
for name, (wanted, made) in graph.targets.items():

    rule:
        name:
            f"{name}_all"
        input:
            paths(wanted),
            demand.invalid(made),
            paths(graph.copies_of(name)),
