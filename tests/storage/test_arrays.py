"""Arrays that users bring in HDF5: what is taken, and what each other thing is called."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from pathlib import Path

import h5py
import numpy as np
import pytest

from conftest import told
from hdf5_cases import FILTER, OBJECTS, filtered, write_object
from l2o.errors import InputError
from l2o.storage.arrays import finite, opened_array
from l2o.storage.hdf5 import read_dictionary
from ordinary_user import ordinary_user

VALUES = np.arange(6.0).reshape(2, 3)


def values(path: Path, key: str = "A") -> np.ndarray:
    with opened_array(path, key, "m x n") as array:
        return array.rows(0, array.shape[0])


def refused(path: Path, *parts: str, key: str = "A") -> str:
    with pytest.raises(InputError) as error:
        values(path, key)
    told(error, path, *parts)
    return str(error.value)


@pytest.fixture
def good(tmp_path) -> Path:
    path = tmp_path / "good.h5"
    with h5py.File(path, "w") as file:
        file["A"] = VALUES
    return path


# Objects


@pytest.mark.parametrize("make", OBJECTS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("key", ["A", "deep/A"])
def test_an_object_of_another_class_is_called_what_it_is(tmp_path, make, key):
    path = write_object(tmp_path / "a.h5", key, make)
    message = refused(path, *(part.replace("KEY", key) for part in OBJECTS[make]), key=key)
    assert key in message and "damaged" not in message and "missing" not in message


@pytest.mark.parametrize("shape, part", [((), "()"), ((3,), "(3,)"), ((1, 2, 3), "(1, 2, 3)")])
def test_another_number_of_axes_is_told(tmp_path, shape, part):
    path = write_object(tmp_path / "a.h5", "A", lambda f, key: f.update({key: np.ones(shape)}))
    refused(path, f"A: has shape {part}, not m x n")


def test_datasets_below_the_top_level_are_listed_and_can_be_named(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["group/A"], file["group/deep/b"], file["c"] = VALUES, 1.0, 2.0
    for key in ("A", "group/b", "c/A", "group/A/x", "", "ä", "\udcff"):
        refused(path, "missing; the file holds c, group/A, group/deep/b; ", "--key", key=key)
    assert np.array_equal(values(path, "group/A"), VALUES)
    refused(path, "is a group", "group/A", key="/")


def test_of_many_datasets_some_are_listed(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for number in range(50):
            file[f"{number:02}"] = 1.0
    refused(path, "the file holds 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, ...; ")
    refused(write_object(tmp_path / "b.h5", "b", lambda f, key: f.create_group(key)), "holds none")


def test_links_and_virtual_datasets_that_are_whole_are_read(tmp_path, good):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["in"], file["A"] = VALUES, h5py.SoftLink("/in")
        file["out"] = h5py.ExternalLink("good.h5", "/A")
        for key, name in (("here", "."), ("there", "good.h5")):
            layout = h5py.VirtualLayout((2, 3), "f8")
            layout[:] = h5py.VirtualSource(name, "in" if name == "." else "A", (2, 3))
            file.create_virtual_dataset(key, layout)
        file.create_dataset("raw", data=VALUES, external=[(tmp_path / "raw.bin", 0, 48)])
        file.create_dataset("endless", data=VALUES, external=tmp_path / "endless.bin")
    for key in ("A", "out", "here", "there", "raw", "endless"):
        assert np.array_equal(values(path, key), VALUES), key
    (tmp_path / "raw.bin").write_bytes(bytes(40))
    refused(path, "ends too early", key="raw")


def test_zeros_that_were_written_are_values(tmp_path):
    path = write_object(tmp_path / "a.h5", "A", lambda f, key: f.update({key: np.zeros((2, 3))}))
    assert np.array_equal(values(path), np.zeros((2, 3)))


def test_numbers_beyond_float64_are_infinite(tmp_path):
    wide = np.full((2, 2), np.longdouble("1e4000"))
    with pytest.raises(InputError, match="NaN or infinity"):
        finite(wide, "b")


# Files


def test_a_file_that_another_program_writes_is_no_damaged_one(good):
    """HDF5 locks a file that it writes."""
    with good.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for read in (values, read_dictionary):
            with pytest.raises(InputError) as error:
                read(good)
            told(error, good, "is open in another program", "close it there")
            assert "delete" not in str(error.value) and "damaged" not in str(error.value)
    assert np.array_equal(values(good), VALUES)


def test_a_file_whose_writer_was_killed_is_no_damaged_one(tmp_path):
    """Its mark of an open file stays."""
    path, copy = tmp_path / "a.h5", tmp_path / "copy.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["A"] = VALUES
        file.flush()
        copy.write_bytes(path.read_bytes())
    for read in (values, read_dictionary):
        with pytest.raises(InputError) as error:
            read(copy)
        told(error, copy, "is open in another program, or was when that was killed", "h5clear")
    assert np.array_equal(values(path), VALUES)


def test_a_missing_filter_is_named_in_the_pipeline_too(tmp_path):
    path = write_object(tmp_path / "a.h5", "A", filtered)
    for read in (values, read_dictionary):
        with pytest.raises(InputError) as error:
            read(path)
        told(error, path, f"needs the HDF5 filter {FILTER}", "not installed")
        assert "delete" not in str(error.value) and "damaged" not in str(error.value)


FOREIGN = {
    "MATLAB": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(512), "-v7.3"),
    "NumPy": (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}", ".npy file of NumPy"),
    "zip": (b"PK\x03\x04" + bytes(99), "zip archive"),
    "netCDF": (b"CDF\x01" + bytes(99), "netCDF"),
    "gzip": (b"\x1f\x8b\x08" + bytes(99), "packed by gzip"),
    "text": (b"1.0,2.0\n3.0,4.0\n", "but text"),
    "noise": (bytes(range(255, 0, -1)) * 9, "is no HDF5 file;"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_format_is_called_what_it_is(tmp_path, kind):
    content, part = FOREIGN[kind]
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    message = refused(path, "is no HDF5 file", part)
    assert "damaged" not in message and "delete" not in message


def test_a_file_may_begin_with_a_block_of_a_user(tmp_path):
    """As MATLAB's do, from version 7.3 on."""
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["A"] = VALUES
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    assert np.array_equal(values(path), VALUES)
    path.write_bytes(path.read_bytes()[:900])
    refused(path, "is truncated or damaged")


@pytest.mark.parametrize("kept", [0, 60, 0.5, -8])
def test_damage_is_told_where_it_is_damage(good, kept):
    content = good.read_bytes()
    good.write_bytes(content[: round(kept * len(content)) if isinstance(kept, float) else kept])
    refused(good, "is truncated or damaged (", "write the file again")


def test_a_file_that_may_not_be_read_is_told():
    with ordinary_user() as folder:
        inside = folder / "closed" / "a.h5"
        inside.parent.mkdir()
        write_object(inside, "A", filtered)
        inside.chmod(0)
        for read in (values, read_dictionary):
            with pytest.raises(InputError) as error:
                read(inside)
            told(error, inside, "cannot be read (Permission denied)", "ask for the permission")
        inside.parent.chmod(0)
        for read in (values, read_dictionary):
            with pytest.raises(InputError) as error:
                read(inside)
            told(error, inside, "cannot be read (Permission denied)")
        inside.parent.chmod(0o700)


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOMEM])
def test_an_error_of_the_system_is_told_as_such(good, monkeypatch, code):
    """HDF5 gives the system's error within its own text."""

    def broken(*arguments, **options):
        raise OSError(f"Can't open file (unable to open file: errno = {code}, error message = '')")

    monkeypatch.setattr(h5py, "File", broken)
    for read in (values, read_dictionary):
        with pytest.raises(InputError) as error:
            read(good)
        told(error, good, f"cannot be read ({os.strerror(code)})")
        assert "delete" not in str(error.value) and "damaged" not in str(error.value)


def test_too_many_open_files_are_no_damage(good):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with good.open("rb") as lowest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno() + 1, hard))
        try:
            with pytest.raises(InputError) as error:
                values(good)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    told(error, good, "cannot be read (Too many open files)", "ulimit -n")


def test_what_the_memory_cannot_hold_is_no_damage(good, monkeypatch):
    def full(*_):
        raise MemoryError

    with opened_array(good, "A", "m x n") as array:
        monkeypatch.setattr(h5py.Dataset, "__getitem__", full)
        with pytest.raises(InputError) as error:
            array.rows(0, 2)
    told(error, good, "needs more memory than there is")
