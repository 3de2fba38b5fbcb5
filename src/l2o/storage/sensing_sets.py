"""What defines the sensing of pictures by blocks, in HDF5: Phi, its linear start and scales.

Layout: ``phi`` (m, 1089), ``inverse`` (1089, m), and in the group ``scales`` an array for every
transform; float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5 import REBUILD, created, describe, numbers, opened


class Sensing(NamedTuple):
    """Phi, (m, 1089), Q of the linear start, (1089, m), and scales by transform."""

    phi: np.ndarray
    inverse: np.ndarray
    scales: Mapping[str, np.ndarray]


def write_sensing(path: str | Path, sensing: Sensing, attributes: dict[str, Any]) -> None:
    """Write all of it, atomically.

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    with created(path, attributes) as file:
        for name, axes, content in (
            ("phi", "m x pixels", "measures a block, with orthonormal rows"),
            ("inverse", "pixels x m", "best linear estimate of a block"),
        ):
            array = np.asarray(getattr(sensing, name), np.float64)
            describe(file.create_dataset(name, data=array), axes, content)
        group = file.create_group("scales")
        for name, scale in sensing.scales.items():
            stored = group.create_dataset(name, data=np.asarray(scale, np.float64))
            describe(stored, "of the transform", "size of coefficients of pictures")


def read_sensing(path: str | Path) -> Sensing:
    """Return what a file holds.

    Raises
    ------
    InputError : missing, truncated or damaged file, matrices that do not fit each other, values
        that are not finite.
    """
    with opened(path) as file:
        phi, inverse = (numbers(file, path, name)[()] for name in ("phi", "inverse"))
        names = list(file["scales"]) if "scales" in file else []
        scales = {name: numbers(file, path, f"scales/{name}")[()] for name in names}
    if phi.ndim != 2 or inverse.shape != phi.shape[::-1]:
        problem = f"shapes {phi.shape} and {inverse.shape} do not fit each other"
        raise InputError(path, "inverse", problem, REBUILD)
    for name, array in {"phi": phi, "inverse": inverse, **scales}.items():
        if not np.isfinite(array).all():
            raise InputError(path, name, "holds NaN or infinity", REBUILD)
    return Sensing(phi, inverse, scales)
