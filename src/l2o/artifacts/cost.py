"""What jobs cost: processor time and memory, which differ from run to run and so are in no proof.

The cost of the job that wrote ``results/a/b.csv`` is told by ``costs/results/a/b.csv.json``, with
the key of the job, since an older one says nothing of today's.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from l2o.artifacts.job import Job
from l2o.errors import InputError
from l2o.storage.json_files import read_json, write_json

FOLDER = Path("costs")
CACHED = "taken_from_the_cache"


class Cost(NamedTuple):
    """What one job took.

    Parameters
    ----------
    processor_seconds : of its process and of those that it started, from their start
    memory_mb : the largest resident set of any of these processes, MiB
    processor : that it ran on, in words
    """

    processor_seconds: float
    memory_mb: int
    processor: str


def spent() -> Cost:
    """Return what this process and those that it has waited for took until now."""
    times = os.times()
    seconds = times.user + times.system + times.children_user + times.children_system
    return Cost(round(seconds, 2), _memory(), processor())


def _memory() -> int:
    try:
        import resource
    except ModuleNotFoundError:  # where there is no such thing
        return 0
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return round(max(resource.getrusage(who).ru_maxrss for who in whose) / unit)


def processor() -> str:
    """Return the name of this machine's processor."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.machine()


def cost_path(job: Job) -> Path:
    """Return where the cost of a job is told."""
    first = next(iter(job.writes.values()))
    return FOLDER / f"{first}.json"


def write_cost(job: Job, told: Mapping[str, Any], *, cached: bool) -> None:
    """Tell what a job cost. It never makes one fail: what cannot be written is not told.

    Parameters
    ----------
    told : the fields of :class:`Cost`; of a result from a cache those of its making, or nothing
    cached : whether the result is from the cache
    """
    if cost_path(job).is_absolute():  # not of a checkout
        return
    content = {**told, "key": job.key, CACHED: cached, "written": round(time.time())}
    with suppress(InputError, OSError):
        write_json(cost_path(job), content)


def read_costs(jobs: Iterable[Job]) -> dict[tuple, dict[str, Any]]:
    """Return what is told of jobs whose key it has, by their names."""
    found = {}
    for job in jobs:
        with suppress(InputError):
            told = read_json(cost_path(job))
            if isinstance(told, dict) and told.get("key") == job.key:
                found[job.name] = told
    return found
