"""The commands that do the jobs of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from l2o.artifacts.job import content_hash
from l2o.artifacts.production import produce
from l2o.config.run import run_settings
from l2o.errors import InputError
from l2o.experiments.experiment import Experiment
from l2o.experiments.graph import Graph, experiment, find
from l2o.variants import MAIN


def chosen(methods: str) -> tuple[str, ...]:
    """Return the methods of an option such as ``mine,alista``.

    Raises
    ------
    InputError : one of them has no name.
    """
    names = tuple(name.strip() for name in methods.split(",")) if methods else ()
    if not all(names):
        raise InputError("--methods", methods, "a name is empty", "name some, as mine,alista")
    return names


def run_job(kind: str, values: Iterable[str], preset: str, methods: str) -> None:
    """Do one job, and say what an evaluation found.

    Raises
    ------
    InputError : no such job, or an input is not valid.
    """
    values, only = [*values], chosen(methods)
    produce(job := find(kind, values, preset, only))
    if kind == "evaluate":
        print(_found(experiment(values[0], preset, only), job.writes["curves"]))


def _found(one: Experiment, curves: Path) -> str:
    """Return the last row of a curve in words: the number that the table has."""
    from l2o.storage.tables import read_rows

    at, value = one.value
    rows = [row for row in read_rows(curves) if row["variant"] == MAIN]
    last = rows[-1]
    return (
        f"{last['setting']} {last['method']}: {value} = {last[value]:.6g} at {at} {last[at]} "
        f"({one.pooled()}; {last['status']})"
    )


def check(name: str, preset: str, methods: str, params: Path | None) -> str:
    """Return what the parameters ask for, in a line for each experiment.

    Everything that can be known before the first job is looked at: the whole graph is made, and
    what its jobs read of the repository must be there.

    Raises
    ------
    InputError : bad parameters.
    """
    only = chosen(methods)
    if name:
        chosen_ones = [one := experiment(name, preset, only, params)]
        jobs = [*one.jobs(), *one.apart()]
    elif params:
        remedy = "name it: `l2o check fig5 --params FILE`"
        raise InputError("--params", f"{params}", "is the file of one experiment", remedy)
    else:
        run_settings()
        graph = Graph(preset, only)
        chosen_ones, jobs = [*graph.experiments.values()], [*graph.jobs, *graph.apart]
    for path in {path for job in jobs for path in job.files.values()}:
        content_hash(path)
    return "\n".join(one.summary() for one in chosen_ones)
