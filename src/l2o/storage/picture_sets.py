"""Grey pictures in HDF5: what image rooms train on and test with.

Layout: groups ``train``, ``validation`` and ``test``, in each a dataset (height, width), uint8, for
every picture, compressed. Attributes explain the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5 import REBUILD, created, describe, numbers, opened

Pictures = Mapping[str, np.ndarray]


def write_pictures(
    path: str | Path, parts: Mapping[str, Pictures], attributes: dict[str, Any]
) -> None:
    """Write pictures, (height, width) uint8 by part and name, atomically.

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    with created(path, attributes) as file:
        for part, pictures in parts.items():
            group = file.create_group(part, track_order=True)
            for name, picture in pictures.items():
                packed = {"compression": "gzip", "compression_opts": 4}
                stored = group.create_dataset(name, data=picture, dtype="u1", **packed)
                describe(stored, "height x width", "grey values from 0 to 255")


def read_pictures(path: str | Path, part: str) -> dict[str, np.ndarray]:
    """Return the pictures of a part by name, (height, width) uint8, in the order of the file.

    Raises
    ------
    InputError : missing, truncated or damaged file, a missing part, what is no picture.
    """
    with opened(path) as file:
        group = file.get(part)
        if not isinstance(group, h5py.Group) or not len(group):
            raise InputError(path, part, "these pictures are missing", REBUILD)
        found = {name: numbers(file, path, f"{part}/{name}", "u")[()] for name in group}
    for name, picture in found.items():
        if picture.ndim != 2 or picture.dtype != np.uint8:
            problem = f"is no grey picture of 8 bits: shape {picture.shape}, {picture.dtype}"
            raise InputError(path, f"{part}/{name}", problem, REBUILD)
    return found
