"""Arrays that users bring in a file of NumPy, HDF5 or MATLAB: one reader, told by the content."""

from __future__ import annotations

import errno
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import prod
from pathlib import Path
from typing import IO, NamedTuple

import h5py
import numpy as np

from l2o.errors import InputError
from l2o.storage.arrays import (
    AGAIN,
    MOST,
    NO_NUMBERS,
    REAL,
    SPARSE,
    StoredArray,
    check_form,
    check_memory,
    matlab_class,
    opened_array,
)
from l2o.storage.hdf5_errors import BEGINNINGS, reading
from l2o.storage.matlab import NUMBERS, VERSION_5, Variable, read_values, read_variables
from l2o.storage.paths import readable, refused

HDF5 = b"\x89HDF\r\n\x1a\n"  # at 0, 512 or twice, four times, ... as much
FORMATS = "give an .npy or .npz file of NumPy, HDF5, or a .mat file of MATLAB"
FULL, THIN = "", "sparse"  # what an entry holds: numbers in full, or a sparse matrix


class Entry(NamedTuple):
    """What a file holds under a name.

    Parameters
    ----------
    shape : None if that is not known
    content : ``FULL``, ``THIN``, or what it is in a word
    """

    shape: tuple[int, ...] | None
    content: str = FULL


class Wanted(NamedTuple):
    """The array that a user asks for; see :func:`opened_matrix`."""

    path: Path
    key: str
    axes: str
    option: str
    usual: str


def read_array(
    path: str | Path,
    key: str = "",
    axes: str = "m x n",
    option: str = "--key",
    usual: str = "",
    single: bool = False,
) -> np.ndarray:
    """Return an array of a file, float64.

    Parameters
    ----------
    single : return numbers of float16 and float32 as float32

    The others, and the errors, are those of :func:`opened_matrix` and of its ``rows``.
    """
    with opened_matrix(path, key, axes, option, usual) as found:
        return found.rows(0, found.shape[0], single)


@contextmanager
def opened_matrix(
    path: str | Path,
    key: str = "",
    axes: str = "m x n",
    option: str = "--key",
    usual: str = "",
) -> Iterator[StoredArray]:
    """Open an array of an .npy, .npz, HDF5 or .mat file; its form is checked, its values when read.

    Rows of HDF5 (which .mat files are from version 7.3 on) and .npy are read when asked for; of
    the others the whole array is, at once. No pickle is read.

    Parameters
    ----------
    key : name of the array in the file; by default the only one with the right number of axes
    axes : their names, such as "m x n"
    option : by which a user names the array, for the messages
    usual : the name to take where several arrays would do

    Raises
    ------
    InputError : missing, damaged or foreign file; no such array, or several; not these axes, or
        empty; no real numbers.
    """
    wanted = Wanted(readable(path), key, axes, option, usual)
    with _opener(wanted.path)(wanted) as found:
        yield found


def _opener(path: Path) -> Callable[[Wanted], AbstractContextManager[StoredArray]]:
    """Return what opens the arrays of a file, by how the file begins."""
    with parsing(path), path.open("rb") as file:
        begin = file.read(1024)
        size = file.seek(0, 2)
    if begin.startswith(b"\x93NUMPY"):
        return _opened_npy
    if begin.startswith(b"PK"):
        return _opened_npz
    if begin[124:128] in VERSION_5 or begin.startswith(b"MATLAB 5.0"):
        return _opened_mat
    if begin.startswith(b"MATLAB 7.3") or _has_signature(path, size):
        return _opened_hdf5
    if not size:
        raise InputError(path, "", "is truncated or damaged (it is empty)", "write the file again")
    likely = [words for sign, words in BEGINNINGS.items() if begin.startswith(sign)]
    likely += ["a pickle, which can run any code"] if begin[:1] == b"\x80" else []
    likely += ["text"] if begin.isascii() and b"\0" not in begin else []
    problem = "is of no format that is read here" + (f", but {likely[0]}" if likely else "")
    raise InputError(path, "", problem, FORMATS)


def _has_signature(path: Path, size: int) -> bool:
    with parsing(path), path.open("rb") as file:
        place = 0
        while place + len(HDF5) <= size:
            file.seek(place)
            if file.read(len(HDF5)) == HDF5:
                return True
            place = 2 * place or 512
    return False


@contextmanager
def parsing(path: Path) -> Iterator[None]:
    """Tell every error of a library that reads a file.

    Raises
    ------
    InputError : the file cannot be read, or is damaged.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(path, "", "needs more memory than there is", "free memory") from error
    except Exception as error:  # of every class, where bytes are wrong
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise refused(path, "read", error) from error
        text = " ".join(str(error).split()) or type(error).__name__
        problem = f"is truncated or damaged ({text[:200]})"
        raise InputError(path, "", problem, "write the file again") from error


def _chosen(wanted: Wanted, entries: dict[str, Entry]) -> str:
    """Return the name of the only array that fits, or the usual one."""
    path, key, axes, option, usual = wanted
    count = len(axes.split(" x "))
    fitting: list[str] = []
    for content in (FULL, THIN):
        fitting = fitting or [
            name
            for name, entry in entries.items()
            if entry.content == content and (entry.shape is None or len(entry.shape) == count)
        ]
    if key or len(fitting) == 1:
        return key or fitting[0]
    if usual in fitting:
        return usual
    if not fitting and len(entries) == 1:  # what is wrong with it is told when it is opened
        return next(iter(entries))
    if fitting:
        listed = _listed({name: entries[name] for name in fitting})
        problem = f"holds several arrays of {axes}: {listed}"
        raise InputError(path, "", problem, f"name one of them by {option}")
    problem = f"holds no array of {axes}, but {_listed(entries)}"
    raise InputError(path, "", problem, f"store one with these axes, of real numbers ({axes})")


def _listed(entries: dict[str, Entry]) -> str:
    """Return names, shapes and contents in words."""
    shown = []
    for name, (shape, content) in [*entries.items()][:MOST]:
        parts = [str(shape or "()")] if shape is not None else []
        parts += [f"[{content}]"] if content else []
        shown.append(" ".join([name, *parts]))
    return ", ".join([*shown, *(["..."] if len(entries) > MOST else [])]) or "nothing"


def _refuse_absent(wanted: Wanted, key: str, entries: dict[str, Entry]) -> None:
    if key not in entries:
        problem = f"this array is missing; the file holds {_listed(entries)}"
        remedy = f"store the array ({wanted.axes}) under this name, or name it by {wanted.option}"
        raise InputError(wanted.path, key, problem, remedy)


# HDF5, and MATLAB from version 7.3 on


@contextmanager
def _opened_hdf5(wanted: Wanted) -> Iterator[StoredArray]:
    key = wanted.key
    if not key:
        with reading(wanted.path, AGAIN), h5py.File(wanted.path, "r") as file:
            entries = _entries_of_hdf5(file)
        key = _chosen(wanted, entries)
    with opened_array(wanted.path, key, wanted.axes, wanted.option) as found:
        yield found


def _entries_of_hdf5(file: h5py.File) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}

    def note(name: str, item: h5py.HLObject) -> None:
        if name.startswith("#"):  # what MATLAB's cells and objects refer to
            return
        if isinstance(item, h5py.Group):
            if any(parts <= {*item} for parts in SPARSE):
                entries[name] = Entry(None, THIN)
        elif isinstance(item, h5py.Dataset) and name.rpartition("/")[0] not in entries:
            entries[name] = _entry_of(item)  # and no part of a sparse matrix

    file.visititems(note)
    return entries


def _entry_of(dataset: h5py.Dataset) -> Entry:
    matlab = matlab_class(dataset)
    shape = dataset.shape[::-1] if matlab and dataset.shape else dataset.shape
    try:
        numbers = dataset.dtype.kind in REAL and matlab in {"", *NUMBERS}
    except TypeError:  # a type that NumPy does not have
        numbers = False
    return Entry(shape, FULL if numbers else matlab or "no real numbers")


# NumPy


@contextmanager
def _opened_npy(wanted: Wanted) -> Iterator[StoredArray]:
    path = wanted.path
    if wanted.key:
        problem = "is an .npy file, which holds one array without a name"
        raise InputError(path, wanted.key, problem, f"leave {wanted.option} out")
    with parsing(path):
        with path.open("rb") as file:
            header = _header(file)
            begin, size = file.tell(), file.seek(0, 2)
        check_form(header, wanted.axes, path)
        _check_size(header, size - begin)
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    yield StoredArray(mapped, path, "")


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype


def _header(stream: IO[bytes]) -> _Header:
    """Return what the header of an .npy stream says, and leave the stream behind it."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    else:  # version 3 differs in the names of records only, which are no numbers
        header = np.lib.format.read_array_header_2_0(stream)
    return _Header(*header)


def _check_size(header: _Header, size: int) -> None:
    expected = prod(header.shape) * header.dtype.itemsize
    if min(header.shape) < 0 or size != expected:
        raise ValueError(f"{size} bytes of values, not {expected}")


@contextmanager
def _opened_npz(wanted: Wanted) -> Iterator[StoredArray]:
    path = wanted.path
    with parsing(path), zipfile.ZipFile(path) as archive:
        members = {
            info.filename.removesuffix(".npy"): info
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }
        if not members:
            raise InputError(path, "", "is a zip archive without arrays of NumPy", FORMATS)
        headers = {}
        for name, info in members.items():
            with archive.open(info) as stream:
                headers[name] = _header(stream)
        entries = {
            name: Entry(shape, FULL if dtype.kind in REAL else "no real numbers")
            for name, (shape, _, dtype) in headers.items()
        }
        key = _chosen(wanted, entries).removesuffix(".npy")
        _refuse_absent(wanted, key, entries)
        header, info = headers[key], members[key]
        check_form(header, wanted.axes, path, key)
        if min(header.shape) < 0 or prod(header.shape) * header.dtype.itemsize > info.file_size:
            raise ValueError(f"{info.file_size} bytes are too few for the shape {header.shape}")
        check_memory(header.shape, header.shape[0], path, key)
        with archive.open(info) as stream:
            values = np.lib.format.read_array(stream, allow_pickle=False)
            if stream.read(1):  # reading up to the end, the check sum is compared, too
                raise ValueError(f"{key} has more values than its shape {header.shape}")
    yield StoredArray(values, path, key)


# MATLAB, versions 5 to 7


@contextmanager
def _opened_mat(wanted: Wanted) -> Iterator[StoredArray]:
    path = wanted.path
    with parsing(path):
        variables = {variable.name: variable for variable in read_variables(path)}
        entries = {name: _entry_of_mat(variable) for name, variable in variables.items()}
        key = _chosen(wanted, entries)
        _refuse_absent(wanted, key, entries)
        variable, content = variables[key], entries[key].content
        if content == THIN:
            remedy = "store it in full: in MATLAB `A = full(A)`, in Python `A.toarray()`"
            raise InputError(path, key, "is a sparse matrix", remedy)
        if content != FULL:
            problem = f"holds {NO_NUMBERS.get(content, f'no numbers but {content}')}"
            raise InputError(path, key, problem, "give real numbers: in MATLAB `double(A)`")
        check_form(variable, wanted.axes, path, key)
        check_memory(variable.shape, variable.shape[0], path, key)
        values = read_values(path, variable)
    yield StoredArray(values, path, key)


def _entry_of_mat(variable: Variable) -> Entry:
    complex_numbers = "complex numbers" if variable.is_complex else FULL
    return Entry(variable.shape, complex_numbers if variable.dtype else variable.kind)
