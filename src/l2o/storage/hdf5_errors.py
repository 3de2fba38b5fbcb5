"""What an error of HDF5 means: a file in use, a filter that is missing, a refusal, or damage."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from l2o.errors import InputError
from l2o.storage.paths import refused

BEGINNINGS = {  # of files that are taken for HDF5
    b"MATLAB 5.0": "a MATLAB file before version 7.3, which `save -v7.3` writes",
    b"\x93NUMPY": "an .npy file of NumPy",
    b"PK\x03\x04": "a zip archive, such as an .npz file of NumPy",
    b"CDF": "a netCDF file of version 3",
    b"\x1f\x8b": "packed by gzip",
}


@contextmanager
def reading(
    path: Path, again: str, place: h5py.File | h5py.Dataset | None = None
) -> Iterator[None]:
    """Tell every error of h5py; nothing else may go on inside.

    Parameters
    ----------
    again : the remedy for damage
    place : what is read, once the file is open

    Raises
    ------
    InputError : see :func:`meaning`.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # h5py's are of nearly every class
        raise meaning(error, path, again, place) from error


def meaning(
    error: Exception, path: Path, again: str, place: h5py.File | h5py.Dataset | None = None
) -> InputError:
    """Return what is told of an error of h5py; arguments as of :func:`reading`."""
    text = " ".join(str(error).split()).strip("'\"")  # as a KeyError has it
    code = re.search(r"errno = (\d+)", text)
    number = int(code[1]) if code else getattr(error, "errno", None)
    reason = os.strerror(number) if number else ""
    if "unable to lock file" in text and number not in (errno.EAGAIN, errno.EACCES):
        problem = f"cannot be locked ({reason})"
        return InputError(path, "", problem, "set HDF5_USE_FILE_LOCKING=FALSE")
    if "unable to lock file" in text:
        return InputError(path, "", "is open in another program", "close it there")
    if "already open" in text:
        problem = "is open in another program, or was when that was killed"
        return InputError(path, "", problem, "close it there, or clear the mark: `h5clear -s FILE`")
    key = str(place.name).strip("/") if isinstance(place, h5py.Dataset) else ""
    if place is not None and (filters := _missing_filters(place)):
        problem = f"needs the HDF5 filter {', '.join(filters)}, which is not installed"
        remedy = "store it without (`h5repack -f NONE`), or name its folder in HDF5_PLUGIN_PATH"
        return InputError(path, key, problem, remedy)
    if isinstance(error, MemoryError):
        return InputError(path, "", "needs more memory than there is", "free memory")
    if number:
        return refused(path, "read", OSError(number, reason))
    return _damaged(path, text, again)


def _damaged(path: Path, text: str, again: str) -> InputError:
    with suppress(OSError):
        with path.open("rb") as file:
            begin = file.read(1024)
        if not begin:
            text = "it is empty"
        elif not h5py.is_hdf5(path):
            likely = [words for sign, words in BEGINNINGS.items() if begin.startswith(sign)]
            likely += ["text"] if begin.isascii() and b"\0" not in begin else []
            problem = f"is no HDF5 file, but {likely[0]}" if likely else "is no HDF5 file"
            return InputError(path, "", problem, again)
    return InputError(path, "", f"is truncated or damaged ({text})", again)


def _missing_filters(place: h5py.File | h5py.Dataset) -> list[str]:
    """Return the filters that are needed here and not available, by number and name."""
    missing: dict[int, str] = {}

    def look(_: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            made = item.id.get_create_plist()
            for number, _, _, name in map(made.get_filter, range(made.get_nfilters())):
                if not h5py.h5z.filter_avail(number):
                    label = name.decode(errors="replace")
                    missing[number] = f"{number} ({label})" if label else str(number)

    with suppress(Exception):  # of a damaged file
        look("", place) if isinstance(place, h5py.Dataset) else place.visititems(look)
    return [missing[number] for number in sorted(missing)]
