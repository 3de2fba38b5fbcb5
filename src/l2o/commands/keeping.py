"""The command that keeps results of this clone in a cache, such as one that is carried along."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from l2o.artifacts.cache import SharedCache
from l2o.artifacts.cost import Cost, read_costs
from l2o.artifacts.demand import verdicts
from l2o.artifacts.production import require_place
from l2o.artifacts.proof import Status
from l2o.commands.jobs import chosen
from l2o.experiments.graph import Graph


def keep(folder: Path, preset: str, methods: str, seconds: float, size: int) -> str:
    """Put the valid results of jobs that took long, and are small, into a cache; say which.

    Parameters
    ----------
    folder : of the cache, see :class:`l2o.artifacts.cache.SharedCache`
    preset, methods : of the graph
    seconds : of the processor that a job must have taken; one of unknown cost is kept as well
    size : bytes of all files of a job, at most

    Raises
    ------
    InputError : bad parameters, or nothing can be written there.
    """
    jobs = [*Graph(preset, chosen(methods)).jobs]
    costs, cache, counts = read_costs(jobs), SharedCache(folder), Counter()
    require_place(folder / "entry")
    total = 0
    for verdict in verdicts(jobs):
        job = verdict.job
        cost = {k: v for k, v in costs.get(job.name, {}).items() if k in Cost._fields}
        if verdict.status is not Status.VALID:
            counts["not valid"] += 1
        elif cost.get("processor_seconds", seconds) < seconds:
            counts["too quick"] += 1
        elif (bytes_of := sum(path.stat().st_size for path in job.writes.values())) > size:
            counts["too large"] += 1
        else:
            cache.store(job.key, job.writes, cost)
            counts["kept"] += 1
            total += bytes_of
    told = ", ".join(f"{counts[word]} {word}" for word in ("too quick", "too large", "not valid"))
    return f"{folder}: {counts['kept']} results of {preset} kept, {total:,} bytes; {told}"
