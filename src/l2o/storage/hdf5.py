"""HDF5 files that appear whole or not at all, and dictionaries in them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.atomic import hold, written_aside
from l2o.storage.hdf5_errors import meaning, reading
from l2o.storage.paths import readable

BUILD = "build it first: `snakemake --cores 2 FILE`"
REBUILD = "delete the file and run the same command again to rebuild it"


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
def created(path: str | Path, attributes: dict[str, Any]) -> Iterator[h5py.File]:
    """Open a new HDF5 file with attributes, which appears at ``path`` once it is complete.

    An attribute that is not a number or a string is stored as JSON.

    Raises
    ------
    InputError : the file cannot be written, for example on a full disk.
    """
    with written_aside(path) as aside, _Target(aside, "w+") as target:
        hold(target)
        try:
            with h5py.File(target, "w") as file:
                for key, value in attributes.items():
                    plain = isinstance(value, (str, int, float))
                    file.attrs[key] = value if plain else json.dumps(value, sort_keys=True)
                yield file
        finally:
            if target.failure is not None:
                raise target.failure


def provenance_attributes(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the record of a job as attributes of a file."""
    return {"provenance": json.dumps(record, sort_keys=True), "key": record["key"]}


def describe(dataset: h5py.Dataset, axes: str, content: str) -> None:
    """Say what a dataset holds, in its attributes."""
    dataset.attrs["axes"], dataset.attrs["content"], dataset.attrs["unit"] = axes, content, "1"


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises
    ------
    InputError : missing, unreadable, truncated or damaged file, whenever that shows.
    """
    path = readable(path, absent=BUILD)
    with reading(path, REBUILD):
        file = h5py.File(path, "r")
    with file:
        try:
            yield file
        except (OSError, RuntimeError, KeyError) as error:
            raise meaning(error, path, REBUILD, file) from error


def numbers(file: h5py.File, path: str | Path, key: str, kinds: str = "f") -> h5py.Dataset:
    """Return a dataset of an open file.

    Parameters
    ----------
    kinds : those of NumPy that its numbers may be of

    Raises
    ------
    InputError : it is missing, or something else.
    """
    found = file.get(key)
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise InputError(path, key, "this dataset is missing", REBUILD)
    if found.dtype.kind not in kinds:
        raise InputError(path, key, f"holds {found.dtype}, another type of numbers", REBUILD)
    return found


def matrix(file: h5py.File, path: str | Path) -> h5py.Dataset:
    """Return the dictionary ``A`` of an open file.

    Raises
    ------
    InputError : it is missing or no matrix.
    """
    found = numbers(file, path, "A")
    if found.ndim != 2:
        raise InputError(path, "A", f"is no matrix: shape {found.shape}", REBUILD)
    return found


def write_matrix(file: h5py.File, dictionary: np.ndarray) -> None:
    """Store the dictionary A, (m, n), in an open file."""
    stored = file.create_dataset("A", data=np.asarray(dictionary, np.float64))
    describe(stored, "m x n", "dictionary with unit-norm columns")


def write_dictionary(
    path: str | Path, dictionary: np.ndarray, attributes: dict[str, Any], **series: np.ndarray
) -> None:
    """Write a dictionary A, (m, n), atomically, with attributes and named series beside it."""
    with created(path, attributes) as file:
        write_matrix(file, dictionary)
        for name, values in series.items():
            file.create_dataset(name, data=values)


def read_dictionary(path: str | Path) -> np.ndarray:
    """Return A, (m, n) float64, of a dictionary file or of an optimizee set.

    Raises
    ------
    InputError : as :func:`opened`, and where there is no matrix.
    """
    with opened(path) as file:
        return matrix(file, path)[:]


def read_attributes(path: str | Path) -> dict[str, Any]:
    """Return the attributes of a dictionary file or an optimizee set.

    Raises
    ------
    InputError : as :func:`opened`.
    """
    with opened(path) as file:
        return dict(file.attrs)
