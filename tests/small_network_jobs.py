"""A folder in which the rooms on MNIST run: parameters, and a mirror of a few random digits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Job, ordered
from l2o.artifacts.production import produce
from l2o.experiments import shared
from parameter_files import changed
from small_digits import TRAINABLE, idx_files, make_mirror, sums_of

ROOT = Path(__file__).parents[1]


def make_folder(folder: Path, report: str, changes: Mapping[str, Any]) -> Path:
    """Return a folder with the parameters of a report, of which some are changed."""
    for name in ("params", "data"):
        (folder / name).mkdir()
    (folder / "data/reference").symlink_to(ROOT / "data/reference")
    source = ROOT / f"params/{report}.yaml"
    for place, value in changes.items():
        source = changed(source, folder / "params", place, value)
    contents = idx_files(TRAINABLE)
    (folder / "data/mnist.sha256").write_text(sums_of(contents))
    make_mirror(folder / "mirror/mnist", contents, packed=True)
    shared.digits.cache_clear()  # its key is that of other digits
    return folder


def made(job: Job) -> Job:
    """Do a job, and before it what it reads, unless that is there; return the job."""
    for each in ordered([job]):
        if not all(path.exists() for path in each.writes.values()):
            produce(each)
    return job


def bytes_again(job: Job, *roles: str) -> dict[str, bool]:
    """Do a job once more; return whether each of its artifacts has the same bytes."""
    before = {role: job.writes[role].read_bytes() for role in roles}
    produce(job)
    return {role: job.writes[role].read_bytes() == before[role] for role in roles}
