"""Optimizee sets in HDF5: one matrix, three splits, and attributes that explain them.

Layout: ``A`` (m, n) float64; ``train``, ``validation`` and ``test`` groups with ``x`` (samples, n)
and ``b`` (samples, m), float32. Rows are written and read in slices, so that a set of any number of
samples needs the memory of one slice only.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.atomic import written_aside

SPLITS = ("train", "validation", "test")
ROWS = 1024  # rows of one HDF5 chunk, and of one random stream of the generators

REBUILD = "delete the file and run the same command again to rebuild it"

Samples = Iterable[tuple[np.ndarray, np.ndarray]]


def write_set(
    path: str | Path,
    dictionary: np.ndarray,
    splits: dict[str, tuple[int, Samples]],
    attributes: dict[str, Any],
) -> None:
    """Write an optimizee set atomically and in slices.

    Parameters
    ----------
    dictionary : A, (m, n)
    splits : for each name the number of samples and an iterable of slices (x, b), (rows, n) and
        (rows, m), of together that many rows
    attributes : of the whole file; what is not a number or a string is stored as JSON

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    m, n = dictionary.shape
    with _created(path) as file:
        for key, value in attributes.items():
            plain = isinstance(value, (str, int, float))
            file.attrs[key] = value if plain else json.dumps(value, sort_keys=True)
        matrix = file.create_dataset("A", data=np.asarray(dictionary, np.float64))
        _describe(matrix, "m x n", "dictionary with unit-norm columns")
        for name, (count, slices) in splits.items():
            group = file.create_group(name)
            rows = (min(ROWS, count),)
            # x is sparse: byte shuffling and gzip shrink it several times. b is noise to gzip.
            x = group.create_dataset(
                "x", (count, n), "f4", chunks=(*rows, n), compression=1, shuffle=True
            )
            b = group.create_dataset("b", (count, m), "f4", chunks=(*rows, m))
            _describe(x, "samples x n", "sparse signal x*")
            _describe(b, "samples x m", "measurement A x* + noise")
            at = 0
            for x_slice, b_slice in slices:
                x[at : at + len(x_slice)], b[at : at + len(x_slice)] = x_slice, b_slice
                at += len(x_slice)
            if at != count:
                raise ValueError(f"{name}: {at} samples were given for {count}")


def write_dictionary(
    path: str | Path, dictionary: np.ndarray, attributes: dict[str, Any], **series: np.ndarray
) -> None:
    """Write a dictionary A, (m, n), atomically, with attributes and named series beside it."""
    with _created(path) as file:
        file.attrs.update(attributes)
        matrix = file.create_dataset("A", data=np.asarray(dictionary, np.float64))
        _describe(matrix, "m x n", "dictionary with unit-norm columns")
        for name, values in series.items():
            file.create_dataset(name, data=values)


class _Target(io.FileIO):
    """The file that HDF5 writes through; it remembers the first write that failed.

    HDF5 does not survive a full disk: it ends the process when it closes the file. So a failed
    write looks to it like a success, and the error is raised once HDF5 is done.
    """

    failure: OSError | None = None

    def write(self, data: memoryview) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while len(rest) and self.failure is None:
            try:
                rest = rest[super().write(rest) :]
            except OSError as error:
                self.failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return self.tell() if size is None else size


@contextmanager
def _created(path: str | Path) -> Iterator[h5py.File]:
    """Open a new HDF5 file, which appears at ``path`` once it is complete."""
    with written_aside(path) as aside, _Target(aside, "w+") as target:
        try:
            with h5py.File(target, "w") as file:
                yield file
        finally:
            if target.failure is not None:
                raise target.failure


def _describe(dataset: h5py.Dataset, axes: str, content: str) -> None:
    dataset.attrs["axes"], dataset.attrs["content"], dataset.attrs["unit"] = axes, content, "1"


@contextmanager
def opened_set(path: str | Path) -> Iterator[h5py.File]:
    """Open an optimizee set for reading, its structure checked.

    Raises
    ------
    InputError : missing, truncated or damaged file, missing dataset, shapes that do not agree.
    """
    with _opened(path) as file:
        _check(file, path)
        yield file


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    if not Path(path).exists():
        raise InputError(path, "", "no such file", "build it first: `snakemake --cores 2 FILE`")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        problem = f"is truncated or damaged ({' '.join(str(error).split())})"
        raise InputError(path, "", problem, REBUILD) from error


def _check(file: h5py.File, path: str | Path) -> None:
    keys = ["A", *(f"{split}/{part}" for split in SPLITS for part in "xb")]
    for key in keys:
        if not isinstance(file.get(key), h5py.Dataset):
            raise InputError(path, key, "this dataset is missing", REBUILD)
    m, n = _matrix(file, path).shape
    for split in SPLITS:
        x, b = file[f"{split}/x"].shape, file[f"{split}/b"].shape
        if x[1:] != (n,) or b[1:] != (m,) or x[0] != b[0]:
            problem = f"shapes x {x} and b {b} do not fit A {(m, n)}"
            raise InputError(path, split, problem, REBUILD)


def _matrix(file: h5py.File, path: str | Path) -> h5py.Dataset:
    matrix = file.get("A")
    if not isinstance(matrix, h5py.Dataset):
        raise InputError(path, "A", "this dataset is missing", REBUILD)
    if matrix.ndim != 2 or matrix.dtype.kind != "f":
        problem = f"is no matrix: shape {matrix.shape} of {matrix.dtype}"
        raise InputError(path, "A", problem, REBUILD)
    return matrix


def read_dictionary(path: str | Path) -> np.ndarray:
    """Return A, (m, n) float64, of a dictionary file or of an optimizee set.

    Raises
    ------
    InputError : as :func:`opened_set`.
    """
    with _opened(path) as file:
        return _matrix(file, path)[:]


def read_attributes(path: str | Path) -> dict[str, Any]:
    """Return the attributes of a dictionary file or an optimizee set.

    Raises
    ------
    InputError : as :func:`opened_set`.
    """
    with _opened(path) as file:
        return dict(file.attrs)


def read_split(
    path: str | Path, split: str, rows: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first ``rows`` samples of a split, or all: b (rows, m) and x (rows, n), float32.

    Raises
    ------
    InputError : as :func:`opened_set`, and for values that are not finite.
    """
    with opened_set(path) as file:
        arrays = []
        for part in "bx":
            array = file[f"{split}/{part}"][:rows]
            if not np.isfinite(array).all():
                raise InputError(path, f"{split}/{part}", "holds NaN or infinity", REBUILD)
            arrays.append(array)
        return arrays[0], arrays[1]
