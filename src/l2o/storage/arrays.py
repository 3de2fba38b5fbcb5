"""Arrays of numbers that users bring: their form and values checked, HDF5 read in slices."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.hdf5_errors import meaning, reading
from l2o.storage.paths import kind_at, readable

REAL = "fiu"  # NumPy's kinds of floating-point numbers and integers
AGAIN = "write the file again, as HDF5"
MOST = 10  # names that a message lists
SPARSE = ({"ir", "jc"}, {"indices", "indptr"})  # of MATLAB, of SciPy
NO_NUMBERS = {"logical": "truth values", "char": "no numbers but text"}  # classes of MATLAB
ABSENT = ("doesn't exist", "not found", "empty string", "can't encode")  # says h5py of no object
TRANSPOSED = "store its transpose (files of MATLAB hold every array the other way round)"


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
    if found.dtype.kind not in REAL or h5py.check_enum_dtype(found.dtype):
        remedy = "give real numbers: floats, or integers, which become float64"
        raise InputError(source, key, f"holds {_content(found.dtype)}", remedy)
    if found.shape is None:
        raise InputError(source, key, "is empty: a null dataspace", f"give some of {axes}")
    if len(found.shape) != len(axes.split(" x ")):
        problem = f"has shape {found.shape}, not {axes}"
        raise InputError(source, key, problem, "give it these axes, in this order")
    if 0 in found.shape:
        raise InputError(source, key, f"is empty: shape {found.shape}", f"give some of {axes}")


def _content(dtype: np.dtype) -> str:
    """Return in words what is no real number."""
    if dtype.kind == "c":
        return f"{dtype} numbers"
    if dtype.names:
        form = "complex numbers" if {*dtype.names} == {"real", "imag"} else "no numbers but records"
        return f"{form} of {' and '.join(dtype.names)}"
    if dtype.kind == "b":
        return "truth values"
    if dtype.kind in "SU" or h5py.check_string_dtype(dtype):
        return "no numbers but text"
    if h5py.check_ref_dtype(dtype):
        return "no numbers but references, as a cell array of MATLAB does"
    if dtype.hasobject and not h5py.check_vlen_dtype(dtype):
        return "no numbers but Python objects, which only a pickle can store"
    if h5py.check_vlen_dtype(dtype):
        return "no numbers but rows of several lengths"
    return f"no numbers but {'an enumeration' if dtype.kind in REAL else dtype}"


def finite(
    values: np.ndarray,
    source: str | PathLike[str],
    key: str = "",
    at: int = 0,
    single: bool = False,
) -> np.ndarray:
    """Return real numbers as float64.

    Parameters
    ----------
    values : (rows, ...)
    source, key : where they come from, for the message
    at : number of the first row, for the message
    single : return float32 where float32 holds them: numbers of float16 and float32

    Raises
    ------
    InputError : NaN or infinity among them.
    """
    narrow = single and values.dtype.kind == "f" and values.dtype.itemsize <= 4
    with np.errstate(over="ignore"):  # of a wider type: infinity is told below
        values = np.asarray(values, np.float32 if narrow else np.float64)
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if bad.any():
        problem = f"holds NaN or infinity (first in row {at + int(bad.argmax())}, counted from 0)"
        raise InputError(source, key, problem, "remove or repair these rows")
    return values


def check_memory(shape: tuple[int, ...], rows: int, source: str | PathLike[str], key: str) -> None:
    """Refuse to read more rows of an array, as float64, than the free memory holds.

    Raises
    ------
    InputError : it does not.
    """
    import psutil

    needed = 8 * rows * prod(shape[1:])
    if needed > (free := psutil.virtual_memory().available):
        problem = f"has shape {shape}, {needed / 1e9:.3g} GB, and {free / 1e9:.3g} GB of"
        raise InputError(source, key, f"{problem} memory are free", "give less")


class StoredArray:
    """An array of a file, of which slices are read.

    Parameters
    ----------
    dataset : of an open HDF5 file, or an array, in memory or mapped
    path, key : where it comes from, for the messages
    reverse : its axes are stored in reverse order, as MATLAB does in HDF5

    Attributes
    ----------
    shape : with the axes in the order of the caller
    dtype : of the numbers in the file, in the byte order of this machine
    """

    def __init__(
        self, dataset: h5py.Dataset | np.ndarray, path: Path, key: str, reverse: bool = False
    ) -> None:
        self.dataset, self.path, self.key, self.reverse = dataset, path, key, reverse
        self.shape: tuple[int, ...] = dataset.shape[::-1] if reverse else dataset.shape
        self.dtype: np.dtype = dataset.dtype.newbyteorder("=")

    def rows(self, first: int, end: int, single: bool = False) -> np.ndarray:
        """Return the rows from ``first`` up to ``end``, float64.

        Parameters
        ----------
        single : return numbers of float16 and float32 as float32

        Raises
        ------
        InputError : more than the memory holds, damaged file, NaN or infinity.
        """
        check_memory(self.shape, end - first, self.path, self.key)
        wanted = (..., slice(first, end)) if self.reverse else slice(first, end)
        if isinstance(self.dataset, np.ndarray):  # maybe mapped, and not to be written on
            values = np.array(self.dataset[wanted], order="C", subok=False)
        else:
            with reading(self.path, AGAIN, self.dataset):
                values = self.dataset[wanted]
            values = np.ascontiguousarray(values.T if self.reverse else values)
        return finite(values, self.path, self.key, first, single)


@contextmanager
def opened_array(
    path: str | Path, key: str, axes: str, option: str = "--key"
) -> Iterator[StoredArray]:
    """Open the dataset ``key`` of an HDF5 file; its form is checked, its values when read.

    The axes of what MATLAB wrote (version 7.3) are put back into the order that they had there.

    Parameters
    ----------
    axes : their names, such as "m x n"
    option : of the command line, which names another dataset

    Raises
    ------
    InputError : missing or damaged file, missing dataset, values that are not in the file, and as
        :func:`check_form`.
    """
    path = readable(path)
    remedy = f"store the array ({axes}) under this name, or give its name by {option}"
    with reading(path, AGAIN):
        file = h5py.File(path, "r")
    with file:
        found = _found(file, path, key, remedy)
        try:
            found.dtype  # noqa: B018
        except Exception as error:
            problem = "holds values of a type that NumPy does not have"
            raise InputError(path, key, problem, "give real numbers") from error
        with reading(path, AGAIN, found):
            matlab = matlab_class(found)
            empty = bool(found.attrs.get("MATLAB_empty", 0))  # its values are the shape, then
        if matlab in NO_NUMBERS:
            remedy = "give real numbers: in MATLAB `double(A)`"
            raise InputError(path, key, f"holds {NO_NUMBERS[matlab]}", remedy)
        if empty:
            raise InputError(path, key, "is empty", f"give some of {axes}")
        check_form(found, axes, path, key)
        with reading(path, AGAIN, found):
            problem = _lacking(found)
        if problem:
            raise InputError(path, key, problem, "store the values themselves")
        yield StoredArray(found, path, key, reverse=bool(matlab))


def matlab_class(found: h5py.HLObject) -> str:
    """Return MATLAB's class of what it wrote into HDF5, such as "double"; "" of what it did not."""
    name = found.attrs.get("MATLAB_class", b"")
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _found(file: h5py.File, path: Path, key: str, remedy: str) -> h5py.Dataset:
    """Return the dataset under a key."""
    try:
        found = file[key]
    except Exception as error:
        raise _no_object(file, path, key, remedy, error) from error
    if isinstance(found, h5py.Dataset):
        return found
    with reading(path, AGAIN, file):
        names = {*found} if isinstance(found, h5py.Group) else set()
    if any(parts <= names for parts in SPARSE):
        problem = f"is a sparse matrix (a group of {', '.join(sorted(names))})"
        remedy = "store it in full: in MATLAB `A = full(A)`, in Python `A.toarray()`"
        raise InputError(path, key, problem, remedy)
    problem = f"is a {type(found).__name__.lower()}, not a dataset; {_datasets(file)}"
    raise InputError(path, key, problem, remedy)


def _no_object(file: h5py.File, path: Path, key: str, remedy: str, error: Exception) -> InputError:
    """Return what is told of a key under which nothing can be opened."""
    with suppress(Exception):
        if file.id.links.get_info(key.encode()).type != h5py.h5l.TYPE_HARD:
            return _dangling(path, key, file.id.links.get_val(key.encode()))
    if any(part in str(error) for part in ABSENT):
        return InputError(path, key, f"this dataset is missing; {_datasets(file)}", remedy)
    return meaning(error, path, AGAIN, file)


def _dangling(path: Path, key: str, target: bytes | tuple[bytes, bytes]) -> InputError:
    """Return what is told of a link to an object, or to one in a file."""
    parts = [target] if isinstance(target, bytes) else [*target]
    place = " in ".join(part.decode(errors="replace") for part in reversed(parts))
    problem = f"is a link to {place}, which cannot be opened"
    return InputError(path, key, problem, "put it there, or store the array itself")


def _datasets(file: h5py.File) -> str:
    """Return what datasets a file holds, in words."""
    names: list[str] = []

    def note(name: str, item: h5py.HLObject) -> bool | None:
        names.extend([str(name)] if isinstance(item, h5py.Dataset) else [])
        return True if len(names) > MOST else None

    with suppress(Exception):  # of a damaged file: those until there
        file.visititems(note)
    shown = [*names[:MOST], *(["..."] if len(names) > MOST else [])]
    return f"the file holds {', '.join(shown) or 'none'}"


def _lacking(found: h5py.Dataset) -> str:
    """Return in words which values are not there, where HDF5 would give zeros for them."""
    parts = found.external or []
    here = Path(found.file.filename)
    if found.is_virtual and "HDF5_VDS_PREFIX" not in os.environ:
        for _, name, inside, _ in found.virtual_sources():
            places = [here.parent / name, Path(name)] if name != "." else [here]
            if "%" not in name + inside and not any(_holds(place, inside) for place in places):
                return f"is a virtual dataset, whose source {inside} in {name} cannot be read"
    elif parts and "HDF5_EXTFILE_PREFIX" not in os.environ:
        sizes = [min(size, max(0, _size(name) - offset)) for name, offset, size in parts]
        if sum(sizes) < found.nbytes:
            names = ", ".join(name for name, _, _ in parts)
            return f"has its values in {names}, which cannot be read or ends too early"
    elif not found.id.get_storage_size() and not found.is_virtual:
        return "was declared, but no value of it was ever written"
    return ""


def _holds(path: Path, name: str) -> bool:
    if kind_at(path) == stat.S_IFREG:
        with suppress(Exception), h5py.File(path, "r") as file:
            return isinstance(file.get(name), h5py.Dataset)
    return False


def _size(name: str) -> int:
    """Return the size of a file, 0 if it cannot be read."""
    with suppress(InputError):
        return readable(name).stat().st_size
    return 0
