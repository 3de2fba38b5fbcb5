"""How a job produces its artifacts: proven inputs in, proven outputs out."""

from __future__ import annotations

from l2o.artifacts.cache import shared_cache
from l2o.artifacts.job import Job
from l2o.artifacts.proof import proof_path, require, write_proof
from l2o.storage.atomic import remove_leftovers


def produce(job: Job) -> None:
    """Make the artifacts of a job, from the shared cache or by its work, and prove them.

    Raises
    ------
    InputError : an input is missing, stale or corrupt, or what the work raises.
    """
    record = job.record  # before the work: sources as they were when it began
    for artifact in job.reads.values():
        require(artifact.path, artifact.job.key)
    for path in job.writes.values():
        remove_leftovers(path)
        remove_leftovers(proof_path(path))
        proof_path(path).unlink(missing_ok=True)  # of the file that is about to be replaced
    cache = shared_cache()
    if cache and cache.restore(job.key, job.writes):
        print(f"taken from the cache: {job.key}", flush=True)
    else:
        job.work()
        if cache:
            cache.store(job.key, job.writes)
    for path in job.writes.values():
        write_proof(path, record)
