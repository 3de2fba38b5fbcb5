"""The command that tells what the jobs of a preset cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from l2o.artifacts.cost import CACHED, read_costs
from l2o.artifacts.job import Job
from l2o.artifacts.manifest import SLOWEST, spent
from l2o.columns import aligned
from l2o.commands.jobs import chosen
from l2o.experiments.graph import Graph

TITLES = ("report", "jobs", "told", "from a cache", "processor time", "memory at most")


def costs(preset: str, methods: str) -> str:
    """Return what the valid results of a preset cost, by report, and which jobs took longest.

    Of a result that came from a cache it is what its making cost, wherever that was. A job that
    several reports share counts for the first of them.

    Raises
    ------
    InputError : bad parameters.
    """
    graph, seen = Graph(preset, chosen(methods)), set()
    groups: dict[str, list[Job]] = {}
    for one in graph.experiments.values():
        groups[one.report_name] = [job for job in one.jobs() if job.name not in seen]
        seen |= {job.name for job in groups[one.report_name]}
    groups["verdict, claims"] = graph.judged
    everything = [job for jobs in groups.values() for job in jobs]
    told = read_costs(everything)
    if not told:
        return f"{preset}: no costs are told; jobs tell them when they are done"
    rows = [_row(name, jobs, told) for name, jobs in groups.items() if jobs]
    table = aligned([TITLES, *rows, _row("all", everything, told)], left=1)
    machines = [f"on {name}" for name in measured(everything, told)["processors"]]
    return "\n".join([table, "", *_slowest(told), "", *machines])


def measured(jobs: Iterable[Job], told: Mapping[tuple, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over jobs: how many, of how many it is told, seconds, MiB, processors."""
    jobs = list(jobs)
    found = [told[job.name] for job in jobs if job.name in told]
    known = [one for one in found if "processor_seconds" in one]
    return {
        "jobs": len(jobs),
        "told": len(known),
        "from_a_cache": sum(bool(one[CACHED]) for one in found),
        "processor_seconds": round(sum(one["processor_seconds"] for one in known), 1),
        "memory_mb": max((one["memory_mb"] for one in known), default=0),
        "processors": sorted({one["processor"] for one in known}),
    }


def _row(name: str, jobs: Iterable[Job], told: Mapping[tuple, Mapping[str, Any]]) -> list[str]:
    sums = measured(jobs, told)
    counts = [str(sums[key]) for key in ("jobs", "told", "from_a_cache")]
    return [name, *counts, *spent(sums)]


def longest(told: Mapping[tuple, Mapping[str, Any]]) -> list[tuple[tuple, Mapping[str, Any]]]:
    """Return the names and costs of the jobs that took longest, the longest first."""
    known = [(name, one) for name, one in told.items() if "processor_seconds" in one]
    return sorted(known, key=lambda pair: -pair[1]["processor_seconds"])[:SLOWEST]


def _slowest(told: Mapping[tuple, Mapping[str, Any]]) -> list[str]:
    rows = [(*spent(one), job_words(name)) for name, one in longest(told)]
    return [f"the {len(rows)} longest", aligned(rows)]


def job_words(name: tuple) -> str:
    """Return a job in words, from its name."""
    kind, *wildcards = name
    return " ".join((kind, *(value for _, value in wildcards)))
