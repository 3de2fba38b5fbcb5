"""Arrays that users bring in files of NumPy, HDF5 and MATLAB: the right values, or one line."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import sparse
from scipy.io import savemat

from conftest import told
from hdf5_cases import OBJECTS, group, write_object
from hdf5_cases import sparse as sparse_in_hdf5
from l2o.errors import InputError
from l2o.storage.matrices import opened_matrix, read_array

VALUES = np.random.default_rng(0).normal(size=(6, 4))
OTHER = np.arange(3.0)


def write_npy(path: Path, values: np.ndarray) -> None:
    np.save(path, values)


def write_fortran_npy(path: Path, values: np.ndarray) -> None:
    np.save(path, np.asfortranarray(values))


def write_npz(path: Path, values: np.ndarray) -> None:
    np.savez(path, A=values, other=OTHER)


def write_packed_npz(path: Path, values: np.ndarray) -> None:
    np.savez_compressed(path, A=values, other=OTHER)


def write_hdf5(path: Path, values: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["deep/A"], file["other"] = values, OTHER


def write_mat(path: Path, values: np.ndarray) -> None:
    about = {"text": "words", "cells": np.array([1, "a"], object), "fields": {"x": 1.0}}
    savemat(path, {"A": values, "other": np.zeros((2, 2, 2)), **about})


def write_packed_mat(path: Path, values: np.ndarray) -> None:
    savemat(path, {"A": values, "text": "words"}, do_compression=True)


def write_mat_7_3(path: Path, values: np.ndarray, kind: str = "", **attributes) -> None:
    """Write as MATLAB does: a header of its own, arrays with their axes reversed."""
    kind = kind or {"float64": "double", "float32": "single"}.get(str(values.dtype), "int32")
    with h5py.File(path, "w", userblock_size=512) as file:
        made = file.create_dataset("A", data=values.T, chunks=True, compression="gzip")
        made.attrs["MATLAB_class"] = np.bytes_(kind)
        made.attrs.update(attributes)
        file["#refs#/a"] = np.ones((2, 2))
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


WRITERS = [
    write_npy,
    write_fortran_npy,
    write_npz,
    write_packed_npz,
    write_hdf5,
    write_mat,
    write_packed_mat,
    write_mat_7_3,
]
MATLAB = [write_mat, write_packed_mat, write_mat_7_3]


@pytest.fixture
def place(tmp_path):
    """A path whose name says nothing of the format, as far as the writers let it."""

    def written(write, values=VALUES) -> Path:
        suffix = ".npz" if "npz" in write.__name__ else ".npy" if "npy" in write.__name__ else ".x"
        path = tmp_path / f"file{suffix}"
        if "7_3" in write.__name__ or "hdf5" in write.__name__ or suffix != ".x":
            write(path, values)
        else:
            with path.open("wb") as file:
                write(file, values)
        return path.rename(tmp_path / "file.any")

    return written


def refused(path: Path, *parts: str, key: str = "", axes: str = "m x n") -> str:
    with pytest.raises(InputError) as error:
        read_array(path, key, axes, "--dictionary-key")
    told(error, path, *parts)
    return str(error.value)


# Values


@pytest.mark.parametrize("write", WRITERS)
def test_every_format_gives_the_same_values(place, write):
    path = place(write)
    found = read_array(path)
    assert found.dtype == np.float64 and np.array_equal(found, VALUES)
    found[0, 0] = 7.0  # its memory is the caller's
    assert np.array_equal(read_array(path), VALUES)
    with opened_matrix(path) as stored:
        assert stored.shape == (6, 4) and stored.dtype == np.float64
        parts = [stored.rows(at, min(at + 4, 6)) for at in (0, 4)]
    assert all(part.flags["C_CONTIGUOUS"] for part in parts)
    assert np.array_equal(np.concatenate(parts), VALUES)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("kind", ["f4", "i4", "f8"])
def test_single_precision_is_kept_if_asked(place, write, kind):
    values = (10 * VALUES).astype(kind)
    path = place(write, values)
    with opened_matrix(path) as stored:
        assert stored.dtype == np.dtype(kind)
        double, found = stored.rows(0, 6), stored.rows(0, 6, single=True)
    assert double.dtype == np.float64 and np.array_equal(double, values)
    assert found.dtype == (np.float32 if kind == "f4" else np.float64)
    assert np.array_equal(found, values)


@pytest.mark.parametrize("write", WRITERS[:5])
@pytest.mark.parametrize("kind", [">f8", ">f4", "f2", "i1", "u8", ">i2", "longdouble"])
def test_numbers_of_every_type_are_read(place, write, kind):
    values = np.abs(10 * VALUES).astype(kind)
    path = place(write, values)
    assert np.array_equal(read_array(path), values.astype(np.float64))
    single = read_array(path, single=True)
    assert single.dtype == (np.float32 if kind in (">f4", "f2") else np.float64)
    assert np.array_equal(single, values.astype(single.dtype))


@pytest.mark.parametrize("write", MATLAB[:2])
@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "u4", "i8", "u8"])
def test_whole_numbers_of_matlab(place, write, kind):
    values = np.abs(10 * VALUES).astype(kind)
    with opened_matrix(place(write, values)) as stored:
        assert stored.dtype == np.dtype(kind)
        assert np.array_equal(stored.rows(0, 6), values)


def test_a_big_endian_file_of_matlab_with_doubles_packed_as_bytes(tmp_path):
    """MATLAB stores doubles that are small whole numbers in one byte each."""

    def element(kind: int, content: bytes) -> bytes:
        header = np.array([kind, len(content)], ">u4").tobytes()
        return header + content + bytes(-len(content) % 8)

    parts = element(6, np.array([6, 0], ">u4").tobytes())
    parts += element(5, np.array([2, 3], ">i4").tobytes())
    parts += np.array([1, 1], ">u2").tobytes() + b"A\0\0\0"  # a short element
    parts += element(2, bytes([1, 2, 3, 4, 5, 6]))
    path = tmp_path / "a.mat"
    path.write_bytes(b"made by hand".ljust(124) + b"\x01\x00MI" + element(14, parts))
    with opened_matrix(path) as stored:
        assert stored.dtype == np.float64
        assert np.array_equal(stored.rows(0, 2), [[1, 3, 5], [2, 4, 6]])


def test_only_what_matlab_wrote_is_transposed(place, tmp_path):
    path = place(write_hdf5)
    assert read_array(path).shape == (6, 4)
    with h5py.File(path, "r+") as file:
        file["deep/A"].attrs["MATLAB_class"] = np.bytes_("double")
    assert np.array_equal(read_array(path), VALUES.T)


def test_rows_of_a_large_file_are_read_alone(tmp_path):
    """Of a file with holes, larger than the memory."""
    path = tmp_path / "large.npy"
    shape = (1 << 31, 64)
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * shape[0] * shape[1])
    with opened_matrix(path) as stored:
        assert stored.shape == shape
        assert np.array_equal(stored.rows(shape[0] - 3, shape[0]), np.zeros((3, 64)))
    refused(path, "GB of memory are free")


# Which array


@pytest.mark.parametrize("write", [write_npz, write_hdf5, write_mat])
def test_the_array_is_named_or_the_only_one_that_fits(place, write):
    path = place(write)
    key = "deep/A" if write is write_hdf5 else "A"
    assert np.array_equal(read_array(path, key), VALUES)
    refused(path, "Z: this", "missing; the file holds", key, "by --dictionary-key", key="Z")
    refused(path, f"other: has shape {(2, 2, 2) if write is write_mat else (3,)}", key="other")
    refused(path, "holds no array of a x b x c x d, but", key, axes="a x b x c x d")


def several_in_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, A=VALUES, b=VALUES[:2], c=OTHER)


def several_in_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["A"], file["b"], file["c"] = VALUES, VALUES[:2], OTHER


def several_in_mat(path: Path) -> None:
    savemat(path, {"A": VALUES, "b": VALUES[:2], "text": "words"}, appendmat=False)


@pytest.mark.parametrize("write", [several_in_npz, several_in_hdf5, several_in_mat])
def test_several_arrays_are_listed(tmp_path, write):
    path = tmp_path / "several"
    write(path)
    message = refused(path, "holds several arrays of m x n: A (6, 4), b (2, 4); name one of them")
    assert message.endswith("by --dictionary-key")
    assert np.array_equal(read_array(path, usual="b"), VALUES[:2])
    assert np.array_equal(read_array(path, "A", usual="b"), VALUES)


def test_of_very_many_arrays_some_are_listed(tmp_path):
    path = tmp_path / "many.npz"
    np.savez(path, **{f"a{number:03}": VALUES for number in range(300)})
    assert len(refused(path, "a009 (6, 4), ...;")) < 400


def test_an_npy_file_has_no_names(place):
    refused(place(write_npy), "A: is an .npy file, which holds one array", key="A")


# What is no array of real numbers


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "spoiled, part",
    [
        (np.where(VALUES > 1, np.nan, VALUES), "holds NaN or infinity"),
        (np.where(VALUES > 1, -np.inf, VALUES), "holds NaN or infinity"),
        (VALUES + 1j, "complex"),
        (VALUES > 0, "truth values"),
        (VALUES[:0], "is empty"),
    ],
    ids=["NaN", "infinity", "complex", "bool", "empty"],
)
def test_what_is_no_matrix_of_real_numbers_is_called_what_it_is(place, write, spoiled, part):
    if write is write_mat_7_3 and (not spoiled.size or spoiled.dtype.kind in "bc"):
        return  # written by MATLAB in another way: the next test
    names = {write_npy: "", write_fortran_npy: "", write_hdf5: "deep/A"}
    refused(place(write, spoiled), part, key=names.get(write, "A"))


def test_what_matlab_7_3_marks_by_an_attribute(tmp_path):
    path = tmp_path / "a.mat"
    write_mat_7_3(path, (VALUES > 0).astype("u1"), "logical", MATLAB_int_decode=1)
    refused(path, "holds truth values", key="A")
    refused(path, "A: holds truth values")
    write_mat_7_3(path, np.array([[104, 105]], "u2"), "char", MATLAB_int_decode=2)
    refused(path, "no numbers but text", key="A")
    write_mat_7_3(path, np.array([[0, 3]], "u8"), "double", MATLAB_empty=1)
    refused(path, "is empty", key="A")


def test_text_and_sparse_matrices_of_matlab(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"A": sparse.random_array((5, 4), density=0.5, format="csc", rng=0), "t": "ab"})
    refused(path, "A: is a sparse matrix", "A = full(A)")
    refused(path, "t: holds no numbers but text", key="t")
    write_object(path, "A", sparse_in_hdf5)
    refused(path, "A: is a sparse matrix")


@pytest.mark.parametrize("write", [np.save, np.savez])
def test_no_pickle_is_read(tmp_path, write):
    class Harmful:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harm",)

    values = np.full((2, 2), Harmful(), object)
    with (tmp_path / "a.npy").open("wb") as file:
        write(file, values)
    refused(tmp_path / "a.npy", "Python objects")
    (tmp_path / "b").write_bytes(pickle.dumps(values))
    refused(tmp_path / "b", "a pickle, which can run any code")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("make", OBJECTS, ids=lambda make: make.__name__)
def test_objects_of_hdf5_are_called_what_they_are(tmp_path, make):
    path = write_object(tmp_path / "a.h5", "A", make)
    refused(path, *(part.replace("KEY", "A") for part in OBJECTS[make]), key="A")
    if make is not group:  # whose array is the only one
        refused(path, "a.h5")


# Files


@pytest.mark.parametrize(
    "content, part",
    [
        (b"", "it is empty"),
        (b"1.0,2.0\n3.0,4.0\n", "but text"),
        (b"\x1f\x8b\x08" + bytes(99), "packed by gzip"),
        (bytes(range(255, 0, -1)) * 9, "is of no format that is read here;"),
        (b"MATLAB 5.0 MAT-file", "is truncated or damaged"),
        (b"MATLAB 7.3 MAT-file".ljust(600), "is no HDF5 file"),
        (b"PK\x03\x04" + bytes(99), "is truncated or damaged"),
    ],
)
def test_a_file_of_another_kind(tmp_path, content, part):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    refused(path, part)
    refused(tmp_path / "none.npy", "no such file")
    refused(tmp_path, "is a folder, not a file")


def test_a_zip_archive_of_other_things(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"1")
    refused(path, "is a zip archive without arrays of NumPy")


def test_a_second_array_behind_the_first_is_told(tmp_path):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.save(file, VALUES)
        np.save(file, VALUES)
    refused(path, "bytes of values, not 192")


def test_a_zip_bomb_does_not_go_off(tmp_path):
    path = tmp_path / "a.npz"
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 10**6)}
    np.lib.format.write_array_header_1_0(stream, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("A.npy", stream.getvalue())
    refused(path, "are too few for the shape")


@pytest.mark.parametrize("write", WRITERS)
def test_damaged_files_give_one_line_or_an_array(place, write):
    """Where there are check sums, the right one."""
    path = place(write)
    content = path.read_bytes()
    random = np.random.default_rng(1)
    refusals = 0
    for trial in range(60):
        damaged = bytearray(content)
        if trial % 3:
            damaged[random.integers(len(damaged))] ^= int(random.integers(1, 256))
        else:
            del damaged[random.integers(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            found = read_array(path)
        except InputError as error:
            refusals += 1
            assert "\n" not in str(error)
            continue
        assert np.isfinite(found).all() and found.ndim == 2
        if write in (write_npz, write_packed_npz, write_packed_mat):
            assert np.array_equal(found, VALUES)
        assert trial % 3, "a truncated file was read"
    assert refusals > 15
