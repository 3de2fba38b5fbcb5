"""What has to be made: every task held against its proofs, for Snakemake and for `l2o verify`.

Snakemake's own reasons to run a job (times of files, and what it remembers of its last run in a
folder) are replaced by two:

- a task whose artifacts are not valid gets one more input, a file that was just written, and so is
  newer than its outputs: Snakemake must run it;
- the inputs of a task whose artifacts are valid are ``ancient``: nothing that happens to them makes
  Snakemake run it.

Snakemake does not look behind a job that it runs for reasons of those further down. So a valid task
between two that are not (say, a trained net between a damaged data set and an edited table) names
no inputs at all: then neither hides the other, and both are repaired without it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2o.artifacts.proof import Finding, Status, examine
from l2o.artifacts.tasks import Task

READERS = 4  # files hashed at once
DEMANDED = (Status.CORRUPT, Status.STALE)  # what is missing Snakemake sees by itself
ORDER = (Status.CORRUPT, Status.STALE, Status.MISSING, Status.VALID)


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one task."""

    task: Task
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """The worst status of its artifacts."""
        return min((finding.status for finding in self.findings), key=ORDER.index)


def verdicts(tasks: Iterable[Task]) -> list[Verdict]:
    """Examine the artifacts of all tasks, contents included."""
    tasks = list(tasks)
    with ThreadPoolExecutor(READERS) as pool:
        pending = [
            [pool.submit(examine, path, task.step.key) for path in task.outputs] for task in tasks
        ]
        return [
            Verdict(task, tuple(future.result() for future in futures))
            for task, futures in zip(tasks, pending, strict=True)
        ]


class Demand:
    """Input functions for the rules of a Snakefile.

    Parameters
    ----------
    tasks : all jobs, inputs before what is made of them
    ancient : Snakemake's flag of that name
    folder : where the files that demand a run are written
    active : False in the processes that Snakemake starts for single jobs: nothing is examined
    """

    def __init__(
        self, tasks: Iterable[Task], ancient: Callable[[str], Any], folder: Path, active: bool
    ) -> None:
        self.ancient, self.folder = ancient, folder
        self._status: dict[tuple, Status] = {}
        self._pinned: set[tuple] = set()
        self._between: set[tuple] = set()
        self.invalid: list[str] = []  # what a run of everything must repair
        if active:
            self._decide(verdicts(tasks))

    def _decide(self, found: list[Verdict]) -> None:
        self._status = {verdict.task.name: verdict.status for verdict in found}
        for status in {*self._status.values()} & {*DEMANDED}:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Other bytes each time: Snakemake compares content where it finds a newer file.
            (self.folder / status.value).write_text(uuid.uuid4().hex, encoding="utf-8")
        invalid = {v.task.step.key for v in found if v.status is not Status.VALID}
        after, before = set(), set()  # keys of steps with an invalid step above, or below
        for verdict in found:
            if any(s.key in invalid | after for s in verdict.task.step.inputs.values()):
                after.add(verdict.task.step.key)
        for verdict in reversed(found):
            step = verdict.task.step
            if step.key in invalid | before:
                before |= {s.key for s in step.inputs.values()}
        valid = [v.task for v in found if v.status is Status.VALID]
        self._pinned = {task.name for task in valid}
        self._between = {task.name for task in valid if task.step.key in after & before}
        self.invalid = [str(path) for v in found for path in v.task.outputs if v.status in DEMANDED]

    def part(self, tasks: Iterable[Task]) -> Demand:
        """Return the demand of some of its tasks: ``invalid`` has theirs alone, all else is shared.

        So what lies between is told from all tasks, also where a run asks for a part of them.
        """
        part, outputs = copy(self), {str(path) for task in tasks for path in task.outputs}
        part.invalid = [path for path in self.invalid if path in outputs]
        return part

    def inputs(self, rule: str, **patterns: str | list[str] | Callable) -> dict[str, Callable]:
        """Return the named inputs of a rule as functions of its wildcards.

        Parameters
        ----------
        rule : its name, as in the tasks
        patterns : paths with wildcards in braces, or functions of the wildcards, by input name
        """

        def named(pattern: str | list[str] | Callable) -> Callable:
            def paths(wildcards: Any) -> list[Any]:
                if _name(rule, wildcards) in self._between:
                    return []
                given = pattern(wildcards) if callable(pattern) else pattern
                several = [given] if isinstance(given, str) else given
                found = [text.format(**dict(wildcards.items())) for text in several]
                pinned = _name(rule, wildcards) in self._pinned
                return [self.ancient(path) for path in found] if pinned else found

            return paths

        def proof(wildcards: Any) -> list[str]:
            status = self._status.get(_name(rule, wildcards))
            return [str(self.folder / status.value)] if status in DEMANDED else []

        return {**{name: named(pattern) for name, pattern in patterns.items()}, "proof": proof}


def _name(rule: str, wildcards: Any) -> tuple:
    return (rule, *sorted(wildcards.items()))
