"""How a job produces its artifacts: proven inputs in, proven outputs out."""

from __future__ import annotations

import os
from pathlib import Path

from l2o.artifacts.cache import shared_caches
from l2o.artifacts.cost import spent, write_cost
from l2o.artifacts.job import Job
from l2o.artifacts.proof import proof_path, require, write_proof
from l2o.errors import InputError
from l2o.storage.atomic import remove_leftovers


def produce(job: Job) -> None:
    """Make the artifacts of a job, from the shared cache or by its work, and prove them.

    Raises
    ------
    InputError : an input is missing, stale or corrupt, an output cannot be written, or what the
        work raises.
    """
    record = job.record  # before the work: sources as they were when it began
    for artifact in job.reads.values():
        require(artifact.path, artifact.job.key)
    for path in job.writes.values():
        for file in (path, proof_path(path)):
            require_place(file)
            remove_leftovers(file)
    for path in job.writes.values():
        proof_path(path).unlink(missing_ok=True)  # of the file that is about to be replaced
    caches = shared_caches()
    cached = next((each for each in caches if each.restore(job.key, job.writes)), None)
    if cached:
        print(f"taken from the cache: {job.key}", flush=True)
        cost = cached.cost(job.key)
    else:
        job.work()
        cost = spent()._asdict()
        for cache in caches[:1]:
            cache.store(job.key, job.writes, cost)
    for path in job.writes.values():
        write_proof(path, record)
    write_cost(job, cost, cached=cached is not None)


def require_place(path: str | Path) -> None:
    """Refuse a path at which no file can be put; whether one lies there does not matter.

    Raises
    ------
    InputError : its folder cannot be written, or it is a folder itself.
    """
    path = Path(path)
    folder = next(filter(os.path.lexists, path.parents))
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = "make it a folder in which you may write (`chmod u+wx FOLDER`, if it is yours)"
        raise InputError(folder, "", f"you may not write {path.name} in here", remedy)
    if path.is_dir():
        raise InputError(path, "", "is a folder, where a file is to be written", "move it away")
