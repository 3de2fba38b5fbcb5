"""Arrays of numbers that users bring: their form and values checked, HDF5 read in slices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError

REAL = "fiu"  # NumPy's kinds of floating-point numbers and integers
AGAIN = "write the file again"


def check_form(found: Any, axes: str, source: str | PathLike[str], key: str = "") -> None:
    """Refuse what is no array of real numbers with these axes.

    Parameters
    ----------
    found : anything with ``shape`` and ``dtype``
    axes : their names, such as "m x n"
    source, key : where it comes from, for the message

    Raises
    ------
    InputError : another number of axes, an axis of length 0, or no floats or integers.
    """
    if found.dtype.kind not in REAL:
        problem = f"holds {found.dtype} numbers" if found.dtype.kind == "c" else "holds no numbers"
        if found.dtype.kind == "b":
            problem = "holds truth values"
        remedy = "give real numbers: floats, or integers, which become float64"
        raise InputError(source, key, problem, remedy)
    if len(found.shape) != len(axes.split(" x ")):
        problem = f"has shape {found.shape}, not {axes}"
        raise InputError(source, key, problem, "give it these axes, in this order")
    if 0 in found.shape:
        raise InputError(source, key, f"is empty: shape {found.shape}", f"give some of {axes}")


def finite(values: np.ndarray, source: str | PathLike[str], key: str = "", at: int = 0):
    """Return real numbers as float64.

    Parameters
    ----------
    values : (rows, ...)
    source, key : where they come from, for the message
    at : number of the first row, for the message

    Raises
    ------
    InputError : NaN or infinity among them.
    """
    values = np.asarray(values, np.float64)
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if bad.any():
        problem = f"holds NaN or infinity (first in row {at + int(bad.argmax())}, counted from 0)"
        raise InputError(source, key, problem, "remove or repair these rows")
    return values


class StoredArray:
    """A dataset of an open file, of which slices are read."""

    def __init__(self, dataset: h5py.Dataset, path: Path, key: str) -> None:
        self.dataset, self.path, self.key = dataset, path, key
        self.shape: tuple[int, ...] = dataset.shape

    def rows(self, first: int, end: int) -> np.ndarray:
        """Return the rows from ``first`` up to ``end``, float64.

        Raises
        ------
        InputError : damaged file, NaN or infinity.
        """
        with _reading(self.path):
            values = self.dataset[first:end]
        return finite(values, self.path, self.key, first)


@contextmanager
def opened_array(path: str | Path, key: str, axes: str) -> Iterator[StoredArray]:
    """Open the dataset ``key`` of an HDF5 file; its form is checked, its values when read.

    Raises
    ------
    InputError : missing or damaged file, missing dataset, and as :func:`check_form`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "", "no such file", "check the path")
    with _reading(path):
        file = h5py.File(path, "r")
    with file:
        with _reading(path):
            dataset = file.get(key)
        if not isinstance(dataset, h5py.Dataset):
            problem = f"this dataset is missing; the file holds {', '.join(sorted(file)) or 'none'}"
            raise InputError(path, key, problem, f"store the array ({axes}) under this name")
        check_form(dataset, axes, path, key)
        yield StoredArray(dataset, path, key)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, KeyError) as error:
        problem = f"is no HDF5 file, truncated or damaged ({' '.join(str(error).split())})"
        raise InputError(path, "", problem, AGAIN) from error
