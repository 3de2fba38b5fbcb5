"""Sets of a family in HDF5: three splits, in each an array for every tensor of its instances."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5 import REBUILD, created, describe, numbers, opened


def write_arrays(
    path: str | Path,
    splits: Mapping[str, Mapping[str, np.ndarray]],
    attributes: dict[str, Any],
) -> None:
    """Write arrays by split and name, float64, instances on the first axis, atomically.

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    with created(path, attributes) as file:
        for split, arrays in splits.items():
            group = file.create_group(split)
            for name, array in arrays.items():
                stored = group.create_dataset(name, data=array, dtype="f8")
                axes = " x ".join(("instances", *(str(size) for size in array.shape[1:])))
                describe(stored, axes, name)


def read_arrays(path: str | Path, split: str) -> dict[str, np.ndarray]:
    """Return the arrays of a split by name, float64.

    Raises
    ------
    InputError : missing, truncated or damaged file, a missing split, arrays of different lengths,
        values that are not finite.
    """
    with opened(path) as file:
        group = file.get(split)
        if not isinstance(group, h5py.Group) or not len(group):
            raise InputError(path, split, "this split is missing", REBUILD)
        stored = {name: numbers(file, path, f"{split}/{name}", "fiu") for name in group}
        arrays = {name: np.asarray(one[()], np.float64) for name, one in stored.items()}
    counts = {array.shape[:1] for array in arrays.values()}
    if len(counts) != 1 or () in counts:
        told = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(path, split, f"shapes {told} do not fit each other", REBUILD)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise InputError(path, f"{split}/{name}", "holds NaN or infinity", REBUILD)
    return arrays
