"""Sets of the Rastrigin family in HDF5: every instance has a matrix of its own.

Layout: groups ``train``, ``validation`` and ``test``, each with ``A`` (instances, n, n), ``b`` and
``c`` (instances, n), float64; attributes explain the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5 import REBUILD, created, describe, numbers, opened

SPLITS = ("train", "validation", "test")
CONTENT = {
    "A": ("instances x n x n", "matrix of the quadratic term"),
    "b": ("instances x n", "target of the quadratic term"),
    "c": ("instances x n", "weights of the cosines"),
}

Instances = tuple[np.ndarray, np.ndarray, np.ndarray]


def write_rastrigin_set(
    path: str | Path,
    splits: dict[str, Iterable[Instances]],
    attributes: dict[str, Any],
) -> None:
    """Write a set atomically.

    Parameters
    ----------
    splits : for each of :data:`SPLITS` slices (A (rows, n, n), b (rows, n), c (rows, n))
    attributes : of the whole file; what is not a number or a string is stored as JSON

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    ValueError : the splits are others than those.
    """
    if set(splits) != set(SPLITS):
        raise ValueError(f"splits {sorted(splits)} instead of {sorted(SPLITS)}")
    with created(path, attributes) as file:
        for name, slices in splits.items():
            group = file.create_group(name)
            joined = (np.concatenate(parts) for parts in zip(*slices, strict=True))
            for (key, content), array in zip(CONTENT.items(), joined, strict=True):
                describe(group.create_dataset(key, data=array, dtype="f8"), *content)


def read_rastrigin_split(path: str | Path, split: str, rows: int | None = None) -> Instances:
    """Return the first ``rows`` instances of a split, or all: A (rows, n, n), b and c (rows, n).

    Raises
    ------
    InputError : missing, truncated or damaged file, missing dataset, no unknowns or no instances,
        shapes that do not agree, fewer instances than asked for, values that are not finite.
    """
    with opened(path) as file:
        _check(file, path)
        held = len(file[f"{split}/b"])
        if rows is not None and not 1 <= rows <= held:
            problem = f"{rows} instances are wanted, 1 to {held} are allowed"
            raise InputError(path, split, problem, "ask for fewer, or build a larger set")
        arrays = tuple(file[f"{split}/{key}"][:rows] for key in CONTENT)
    for key, array in zip(CONTENT, arrays, strict=True):
        if not np.isfinite(array).all():
            raise InputError(path, f"{split}/{key}", "holds NaN or infinity", REBUILD)
    return arrays


def _check(file: h5py.File, path: str | Path) -> None:
    """Check that all datasets are there, and that all have one n."""
    sizes = {}
    for split in SPLITS:
        shapes = {key: numbers(file, path, f"{split}/{key}").shape for key in CONTENT}
        told = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        count, n = shapes["b"] if len(shapes["b"]) == 2 else (0, 0)
        if shapes != {"A": (count, n, n), "b": (count, n), "c": (count, n)}:
            raise InputError(path, split, f"shapes {told} do not fit each other", REBUILD)
        if count == 0 or n == 0:
            raise InputError(path, split, f"shapes {told}: an axis is empty", REBUILD)
        sizes[split] = n
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{split} {n}" for split, n in sizes.items())
        raise InputError(path, "", f"the number of unknowns differs: {told}", REBUILD)
