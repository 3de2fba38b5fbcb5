"""Optimizee sets in HDF5: one matrix, three splits, and attributes that explain them.

Layout: ``A`` (m, n) float64; ``train``, ``validation`` and ``test`` groups with a dataset for each
column of the kind of set. Rows are written and read in slices, so that a set of any number of
samples needs the memory of one slice only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5 import REBUILD, created, describe, matrix, numbers, opened, write_matrix

SPLITS = ("train", "validation", "test")
ROWS = 1024  # rows of one HDF5 chunk, and of one random stream of the generators

Samples = Iterable[tuple[np.ndarray, ...]]


@dataclass(frozen=True)
class Column:
    """One dataset of every split: what a sample has of it.

    Parameters
    ----------
    name : of the dataset
    axes : names of the axes of one sample, such as ("n",) for a vector; none for a number
    content : in words
    kind : NumPy's name of the type
    sparse : mostly zeros; shuffling bytes and gzip then shrink it several times
    """

    name: str
    axes: tuple[str, ...]
    content: str
    kind: str = "f4"
    sparse: bool = False

    def create(self, group: h5py.Group, count: int, sizes: dict[str, int]) -> None:
        """Create the empty dataset of ``count`` samples."""
        row = tuple(sizes[axis] for axis in self.axes)
        packing = {"compression": 1, "shuffle": True} if self.sparse else {}
        chunks = (min(ROWS, count), *row)
        made = group.create_dataset(self.name, (count, *row), self.kind, chunks=chunks, **packing)
        describe(made, " x ".join(("samples", *self.axes)), self.content)


SPARSE_RECOVERY = (
    Column("x", ("n",), "sparse signal x*", sparse=True),
    Column("b", ("m",), "measurement A x* + noise"),
)
LASSO = (
    *SPARSE_RECOVERY,
    Column("optimum", (), "least LASSO objective f*", "f8"),
    Column("gap", (), "relative duality gap that certifies f*", "f8"),
)


def write_set(
    path: str | Path,
    columns: Sequence[Column],
    dictionary: np.ndarray,
    splits: dict[str, tuple[int, Samples]],
    attributes: dict[str, Any],
) -> None:
    """Write an optimizee set atomically and in slices.

    Parameters
    ----------
    columns : of the kind of set, such as :data:`SPARSE_RECOVERY`
    dictionary : A, (m, n)
    splits : for each name the number of samples and an iterable of slices, each a tuple of arrays
        (rows, ...) in the order of the columns, of together that many rows
    attributes : of the whole file; what is not a number or a string is stored as JSON

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    sizes = dict(zip("mn", dictionary.shape, strict=True))
    with created(path, attributes) as file:
        write_matrix(file, dictionary)
        for name, (count, slices) in splits.items():
            group = file.create_group(name)
            for column in columns:
                column.create(group, count, sizes)
            at = 0
            for arrays in slices:
                rows = len(arrays[0])
                for column, array in zip(columns, arrays, strict=True):
                    group[column.name][at : at + rows] = array
                at += rows
            if at != count:
                raise ValueError(f"{name}: {at} samples were given for {count}")


@contextmanager
def opened_set(
    path: str | Path, columns: Sequence[Column] = SPARSE_RECOVERY
) -> Iterator[h5py.File]:
    """Open an optimizee set for reading, its structure checked.

    Raises
    ------
    InputError : missing, truncated or damaged file, missing dataset, shapes that do not agree.
    """
    with opened(path) as file:
        _check(file, path, columns)
        yield file


def _check(file: h5py.File, path: str | Path, columns: Sequence[Column]) -> None:
    m, n = matrix(file, path).shape
    sizes = {"m": m, "n": n}
    for split in SPLITS:
        found = {c.name: numbers(file, path, f"{split}/{c.name}").shape for c in columns}
        wanted = {column.name: tuple(sizes[axis] for axis in column.axes) for column in columns}
        wrong = any(found[name][1:] != wanted[name] for name in wanted)
        if wrong or len({shape[:1] for shape in found.values()}) > 1:
            shapes = ", ".join(f"{name} {shape}" for name, shape in found.items())
            problem = f"shapes {shapes} do not fit A {(m, n)}"
            raise InputError(path, split, problem, REBUILD)


def read_split(
    path: str | Path,
    split: str,
    rows: int | None = None,
    names: Sequence[str] = ("b", "x"),
    columns: Sequence[Column] = SPARSE_RECOVERY,
) -> tuple[np.ndarray, ...]:
    """Return the first ``rows`` samples of a split, or all: an array for each of ``names``.

    Raises
    ------
    InputError : as :func:`opened_set`, and for values that are not finite.
    """
    with opened_set(path, columns) as file:
        arrays = []
        for name in names:
            array = file[f"{split}/{name}"][:rows]
            if not np.isfinite(array).all():
                raise InputError(path, f"{split}/{name}", "holds NaN or infinity", REBUILD)
            arrays.append(array)
        return tuple(arrays)
