"""What has to be made: every job held against its proofs, for Snakemake and for `l2o verify`.

Snakemake's own reasons to run a job (times of files, and what it remembers of its last run in a
folder) are replaced by one: its artifacts are not proven. What is stale or corrupt is forced
(:mod:`l2o.artifacts.takeover`); what is missing Snakemake makes by itself, if something needs it.

- Inputs that need not be made are ``ancient``: no date of theirs makes anything run.
- A valid job names no other inputs. So nothing that happens to them makes it run, and it does not
  stand between two jobs that must (say, a trained net between a damaged data set and an edited
  table): Snakemake does not look behind a job that it runs for reasons of those further down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2o.artifacts.index import FileIndex
from l2o.artifacts.job import Job, job_name
from l2o.artifacts.proof import Finding, Status, examine, judged

READERS = 4  # files read at once
LARGE = 1 << 18  # bytes; with smaller files, threads cost more than they save
DEMANDED = (Status.CORRUPT, Status.STALE)  # what is missing Snakemake sees by itself
ORDER = (Status.CORRUPT, Status.STALE, Status.MISSING, Status.VALID)


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one job."""

    job: Job
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """The worst status of its artifacts."""
        return min((finding.status for finding in self.findings), key=ORDER.index)


def verdicts(jobs: Iterable[Job], index: FileIndex | None = None) -> list[Verdict]:
    """Examine the artifacts of all jobs.

    Parameters
    ----------
    jobs : whose artifacts are held against their keys
    index : what is known of files that did not change; without one every byte is read
    """
    jobs, pool = list(jobs), ThreadPoolExecutor(READERS)
    try:
        pending = [
            [_examined(path, job.key, index, pool) for path in job.writes.values()] for job in jobs
        ]
        return [
            Verdict(job, tuple(one.result() if isinstance(one, Future) else one for one in found))
            for job, found in zip(jobs, pending, strict=True)
        ]
    finally:
        pool.shutdown(cancel_futures=True)
        if index:
            index.keep()


def _examined(
    path: Path, key: str, index: FileIndex | None, pool: ThreadPoolExecutor
) -> Finding | Future[Finding]:
    """Return at once what can be said without long reading; threads read large files."""
    known = index and index.recall(str(path))
    if known:
        return judged(path, key, *known)
    try:
        large = path.stat().st_size >= LARGE
    except OSError:
        large = False
    return pool.submit(examine, path, key, index) if large else examine(path, key, index)


class Demand:
    """What Snakemake is told: the inputs of each rule, and what must be made again.

    Parameters
    ----------
    jobs : all of them
    ancient : Snakemake's flag of that name
    active : False in the processes that Snakemake starts for single jobs: nothing is examined
    index : what is known of files that did not change; the one of this checkout if none is given
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        ancient: Callable[[str], Any],
        active: bool,
        index: FileIndex | None = None,
    ) -> None:
        self.ancient = ancient
        self._jobs = {job.name: job for job in jobs}
        found = verdicts(self._jobs.values(), index or FileIndex.of_checkout()) if active else []
        self._status = {verdict.job.name: verdict.status for verdict in found}

    def invalid(self, jobs: Iterable[Job] | None = None) -> list[str]:
        """Return the artifacts of some jobs, or of all, that a run of them must repair."""
        jobs = self._jobs.values() if jobs is None else jobs
        names = [job for job in jobs if self._status.get(job.name) in DEMANDED]
        return [str(path) for job in names for path in job.writes.values()]

    def inputs(self, kind: str) -> Callable[[Mapping[str, str]], dict[str, Any]]:
        """Return the function of wildcards that gives the inputs of a rule, by role."""

        def paths(wildcards: Any) -> dict[str, Any]:
            job = self._jobs.get(job_name(kind, dict(wildcards.items())))
            found = {}
            for role, path in job.inputs.items() if job else ():
                made = job.reads.get(role)
                if made is None or self._valid(made.job):
                    found[role] = self.ancient(str(path))
                elif not self._valid(job):
                    found[role] = str(path)
            return found

        return paths

    def _valid(self, job: Job) -> bool:
        return self._status.get(job.name) is Status.VALID
