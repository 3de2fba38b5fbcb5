"""How patches are sensed, in HDF5: matrices by name, and attributes that explain them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5 import REBUILD, created, describe, numbers, opened

MATRICES = {  # their axes, and what they are
    "phi": ("m x pixels", "sensing matrix, orthonormal rows"),
    "whitener": ("rows x rows", "combines the measurements that solvers read"),
    "A": ("rows x n", "what solvers read times the dictionary, orthonormal rows"),
    "decoder": ("pixels x n", "dictionary with columns scaled as those of A"),
    "linear": ("pixels x rows", "linear estimate of least mean square error"),
}


def write_sensing(
    path: str | Path, matrices: dict[str, np.ndarray], attributes: dict[str, Any]
) -> None:
    """Write the :data:`MATRICES` atomically, float64.

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    with created(path, attributes) as file:
        for name, (axes, content) in MATRICES.items():
            stored = file.create_dataset(name, data=matrices[name], dtype="f8")
            describe(stored, axes, content)


def read_sensing(path: str | Path) -> dict[str, np.ndarray]:
    """Return the :data:`MATRICES` by name, float64.

    Raises
    ------
    InputError : missing, truncated or damaged file, a matrix missing, of a shape that does not fit,
        or with values that are not finite.
    """
    with opened(path) as file:
        found = {name: numbers(file, path, name)[()] for name in MATRICES}
    sizes: dict[str, int] = {}
    for name, (axes, _) in MATRICES.items():
        wanted = axes.split(" x ")
        shape = found[name].shape
        fits = len(shape) == 2 and all(
            sizes.setdefault(axis, size) == size for axis, size in zip(wanted, shape, strict=True)
        )
        if name == "A" and fits:  # the first row of Phi may measure the mean, which no solver reads
            fits = sizes["m"] - sizes["rows"] in (0, 1)
        if not fits:
            raise InputError(path, name, f"shape {shape} does not fit ({axes})", REBUILD)
        if not np.isfinite(found[name]).all():
            raise InputError(path, name, "holds NaN or infinity", REBUILD)
    return found
