"""A graph of pairs of jobs, for Snakefiles of tests: the second reads what the first writes."""

from __future__ import annotations

from pathlib import Path

from small_jobs import SmallJob

SNAKEFILE = """\
from l2o.artifacts.demand import Demand
from l2o.artifacts.takeover import take_over
from paired_jobs import paired

demand = Demand(paired({count}), ancient, workflow.is_main_process)
take_over(demand)

rule all:
    input: demand.invalid(), expand("second/{{n}}", n=range({count}))

rule first:
    input: unpack(demand.inputs("first"))
    output: "first/{{n}}"
    shell: "echo made > {{output}}"

rule second:
    input: unpack(demand.inputs("second"))
    output: "second/{{n}}"
    shell: "{{{{ cat first/{{wildcards.n}}; echo made; }}}} > {{output}}"
"""


def paired(count: int) -> list[SmallJob]:
    """Return so many pairs, the first of each before the second."""
    jobs: list[SmallJob] = []
    for n in map(str, range(count)):
        given = {"n": n}, {"n": n}, ("l2o.seeds",)
        first = SmallJob("first", *given, {}, {"file": Path("first", n)}, libraries=())
        reads, writes = {"source": first["file"]}, {"file": Path("second", n)}
        jobs += [first, SmallJob("second", *given, reads, writes, libraries=())]
    return jobs
