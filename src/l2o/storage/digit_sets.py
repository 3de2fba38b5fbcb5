"""Labelled images and start points in HDF5: what the training of networks reads.

Layout of the digits: groups ``train`` and ``test``, each with ``images`` (count, pixels) and
``labels`` (count,), uint8, compressed. Layout of the starts: a group ``test``
with ``starts`` (runs, n) float32. Attributes explain the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5 import REBUILD, created, describe, numbers, opened

Images = tuple[np.ndarray, np.ndarray]
CHUNK = 2000  # images compressed together


def write_digits(
    path: str | Path, splits: Mapping[str, Images], attributes: dict[str, Any]
) -> None:
    """Write labelled images atomically.

    Parameters
    ----------
    splits : images (count, pixels) and labels (count,), uint8, by split
    attributes : of the whole file; what is not a number or a string is stored as JSON

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    with created(path, attributes) as file:
        for split, (images, labels) in splits.items():
            group = file.create_group(split)
            chunks = (min(CHUNK, len(images)), images.shape[1])
            packed = {"chunks": chunks, "compression": "gzip", "compression_opts": 4}
            stored = group.create_dataset("images", data=images, dtype="u1", **packed)
            describe(stored, "images x pixels", "ink from 0 to 255, rows of the image in a row")
            stored = group.create_dataset("labels", data=labels, dtype="u1")
            describe(stored, "images", "digit")


def read_digits(path: str | Path, split: str) -> Images:
    """Return the images, (count, pixels) float32 from 0 to 1, and labels, (count,) int64.

    Raises
    ------
    InputError : missing, truncated or damaged file, a missing dataset, shapes that do not agree.
    """
    with opened(path) as file:
        names = ("images", "labels")
        images, labels = (numbers(file, path, f"{split}/{name}", "u")[()] for name in names)
    if images.ndim != 2 or labels.shape != images.shape[:1]:
        problem = f"images {images.shape} and labels {labels.shape} do not fit each other"
        raise InputError(path, split, problem, REBUILD)
    return images.astype(np.float32) / np.float32(255), labels.astype(np.int64)


def write_starts(
    path: str | Path, splits: Mapping[str, np.ndarray], attributes: dict[str, Any]
) -> None:
    """Write start points, (runs, n) by split, atomically; errors as :func:`write_digits`."""
    with created(path, attributes) as file:
        for split, starts in splits.items():
            stored = file.create_group(split).create_dataset("starts", data=starts, dtype="f4")
            describe(stored, "runs x n", "parameters of a network before its training")


def read_starts(path: str | Path, split: str) -> np.ndarray:
    """Return start points, (runs, n) float32.

    Raises
    ------
    InputError : missing, truncated or damaged file, a missing dataset, values that are not finite.
    """
    with opened(path) as file:
        starts = np.asarray(numbers(file, path, f"{split}/starts")[()])
    if starts.ndim != 2 or not np.isfinite(starts).all():
        problem = f"is no matrix of finite numbers: shape {starts.shape}"
        raise InputError(path, f"{split}/starts", problem, REBUILD)
    return starts.astype(np.float32)
