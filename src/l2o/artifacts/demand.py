"""What has to be made: every job held against its proofs, for Snakemake and for `l2o verify`.

Snakemake's own reasons to run a job (times of files, and what it remembers of its last run in a
folder) are replaced by two:

- a job whose artifacts are not valid gets one more input, a file that was just written, and so is
  newer than its outputs: Snakemake must run it;
- the inputs of a job whose artifacts are valid are ``ancient``: nothing that happens to them makes
  Snakemake run it.

Snakemake does not look behind a job that it runs for reasons of those further down. So a valid job
between two that are not (say, a trained net between a damaged data set and an edited table) names
no inputs at all: then neither hides the other, and both are repaired without it.
"""

from __future__ import annotations

import uuid
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
    """Inputs for the rules of a Snakefile.

    Parameters
    ----------
    jobs : all of them, inputs before what is made of them
    ancient : Snakemake's flag of that name
    folder : where the files that demand a run are written
    active : False in the processes that Snakemake starts for single jobs: nothing is examined
    index : what is known of files that did not change; the one of this checkout if none is given
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        ancient: Callable[[str], Any],
        folder: Path,
        active: bool,
        index: FileIndex | None = None,
    ) -> None:
        self.ancient, self.folder = ancient, folder
        self._jobs = {job.name: job for job in jobs}
        self._status: dict[tuple, Status] = {}
        self._between: set[tuple] = set()
        if active:
            index = index or FileIndex.of_checkout()
            self._decide(verdicts(self._jobs.values(), index))

    def _decide(self, found: list[Verdict]) -> None:
        self._status = {verdict.job.name: verdict.status for verdict in found}
        for status in {*self._status.values()} & {*DEMANDED}:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Other bytes each time: Snakemake compares content where it finds a newer file.
            (self.folder / status.value).write_text(uuid.uuid4().hex, encoding="utf-8")
        invalid = {v.job.name for v in found if v.status is not Status.VALID}
        jobs = [verdict.job for verdict in found]
        after, before = _below(jobs, invalid), _above(jobs, invalid)
        self._between = (after & before) - invalid

    def invalid(self, jobs: Iterable[Job]) -> list[str]:
        """Return the artifacts of some jobs that a run of them must repair."""
        names = [job for job in jobs if self._status.get(job.name) in DEMANDED]
        return [str(path) for job in names for path in job.writes.values()]

    def inputs(self, kind: str) -> Callable[[Mapping[str, str]], dict[str, Any]]:
        """Return the function of wildcards that gives the inputs of a rule, by role."""

        def paths(wildcards: Any) -> dict[str, Any]:
            name = job_name(kind, dict(wildcards.items()))
            status, found = self._status.get(name), {}
            if name not in self._between and name in self._jobs:
                pin = self.ancient if status is Status.VALID else str
                found = {role: pin(str(path)) for role, path in self._jobs[name].inputs.items()}
            if status in DEMANDED:
                found["proof"] = str(self.folder / status.value)
            return found

        return paths


def _below(jobs: list[Job], invalid: set[tuple]) -> set[tuple]:
    """Return the names of jobs that read, by way of others, from one of the ``invalid``."""
    reached: set[tuple] = set()
    for job in jobs:
        if any(name in invalid or name in reached for name in _inputs_of(job)):
            reached.add(job.name)
    return reached


def _above(jobs: list[Job], invalid: set[tuple]) -> set[tuple]:
    """Return the names of jobs from which, by way of others, one of the ``invalid`` reads."""
    reached: set[tuple] = set()
    for job in reversed(jobs):
        if job.name in invalid or job.name in reached:
            reached.update(_inputs_of(job))
    return reached


def _inputs_of(job: Job) -> list[tuple]:
    return [artifact.job.name for artifact in job.reads.values()]
