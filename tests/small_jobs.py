"""Jobs of one small file each, whose work a test gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Job
from l2o.artifacts.production import produce


@dataclass(frozen=True, eq=False)
class SmallJob(Job):
    """A job that does what a test wants."""

    does: Callable[[Path], Any] | None = None

    def work(self) -> None:
        self.does(self.writes["file"])


def job(
    name: str,
    value: int = 0,
    path: Path = Path("unused"),
    does: Callable[[Path], Any] | None = None,
    **reads: Job,
) -> SmallJob:
    """Return a job that writes ``path`` and reads the file of other jobs."""
    artifacts = {role: other["file"] for role, other in reads.items()}
    given = {"value": value}, ("l2o.seeds",), artifacts, {"file": path}
    return SmallJob(name, {}, *given, libraries=("numpy",), does=does)


def make(path: Path, name: str, value: int = 0, text: str = "content", **reads: Job) -> SmallJob:
    """Produce a file with this text; return its job."""
    made = job(name, value, path, lambda to: to.write_text(text), **reads)
    produce(made)
    return made
