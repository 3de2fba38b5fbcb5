"""The step that all figures on MNIST share: fetching and storing the digits."""

from __future__ import annotations

from pathlib import Path

from l2o.artifacts.tasks import Task
from l2o.layout import DIGITS
from l2o.provenance import Step
from l2o.steps.common import content_hash, task_of

SUMS = Path("data/mnist.sha256")  # of the unpacked files


def digits_step() -> Step:
    """Fetch MNIST's images and labels and store them as HDF5."""
    modules = ("l2o.datasets.mnist", "l2o.storage.digit_sets")
    return Step("digits", {"files": content_hash(SUMS)}, modules, libraries=("numpy", "h5py"))


def digits_task(preset: str) -> Task:
    """Return the job that stores the digits."""
    return task_of("digits", digits_step(), DIGITS.format(preset=preset))
