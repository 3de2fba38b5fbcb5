"""HDF5 files as users bring them: objects of every class, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

FILTER = 32015  # Zstandard, which HDF5 has not


def null(file: h5py.File, key: str) -> None:
    file[key] = h5py.Empty("f8")


def group(file: h5py.File, key: str) -> None:
    file[f"{key}/values"] = np.ones((2, 3))


def sparse(file: h5py.File, key: str) -> None:
    for name in ("data", "ir", "jc"):
        file[f"{key}/{name}"] = np.arange(3)


def sparse_of_python(file: h5py.File, key: str) -> None:
    for name in ("data", "indices", "indptr"):
        file[f"{key}/{name}"] = np.arange(3)


def soft_link(file: h5py.File, key: str) -> None:
    file[key] = h5py.SoftLink("/nowhere/x")


def external_link(file: h5py.File, key: str) -> None:
    file[key] = h5py.ExternalLink("none.h5", "/x")


def circle(file: h5py.File, key: str) -> None:
    file[key] = h5py.SoftLink(f"/{key}")


def datatype(file: h5py.File, key: str) -> None:
    file[key] = np.dtype("f8")


def records(file: h5py.File, key: str) -> None:
    file[key] = np.zeros((2, 3), [("name", "S3"), ("value", "f8")])


def complex_of_matlab(file: h5py.File, key: str) -> None:
    file[key] = np.zeros((2, 3), [("real", "f8"), ("imag", "f8")])


def enumeration(file: h5py.File, key: str) -> None:
    kind = h5py.enum_dtype({"red": 0, "blue": 1}, "i4")
    file.create_dataset(key, data=np.zeros((2, 3), "i4"), dtype=kind)


def text(file: h5py.File, key: str) -> None:
    file[key] = [["a", "b"]]


def cells(file: h5py.File, key: str) -> None:
    file["other"] = 1.0
    file.create_dataset(key, data=[[file["other"].ref]], dtype=h5py.ref_dtype)


def regions(file: h5py.File, key: str) -> None:
    file["other"] = np.ones(3)
    one = file["other"].regionref[:2]
    file.create_dataset(key, data=[[one]], dtype=h5py.regionref_dtype)


def ragged(file: h5py.File, key: str) -> None:
    made = file.create_dataset(key, (1, 2), h5py.vlen_dtype("f8"))
    made[0, 0], made[0, 1] = np.ones(2), np.ones(3)


def time(file: h5py.File, key: str) -> None:
    space = h5py.h5s.create_simple((2, 3))
    h5py.h5d.create(file.id, key.encode(), h5py.h5t.UNIX_D32LE, space)


def virtual(file: h5py.File, key: str) -> None:
    layout = h5py.VirtualLayout((2, 3), "f8")
    layout[:] = h5py.VirtualSource("none.h5", "x", (2, 3))
    file.create_virtual_dataset(key, layout)


def virtual_of_the_same_file(file: h5py.File, key: str) -> None:
    layout = h5py.VirtualLayout((2, 3), "f8")
    layout[:] = h5py.VirtualSource(".", "gone", (2, 3))
    file.create_virtual_dataset(key, layout)


def elsewhere(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (2, 3), "f8", external=[("none.bin", 0, 48)])


def unwritten(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (2, 3), "f8")


def huge(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (10**12, 10**6), "f8", chunks=(1, 1000))[0, :3] = 1.0


def filtered(file: h5py.File, key: str, shape: tuple[int, int] = (2, 3)) -> None:
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk(shape)
    made.set_filter(FILTER, h5py.h5z.FLAG_OPTIONAL, (3,))
    space = h5py.h5s.create_simple(shape)
    dataset = h5py.h5d.create(file.id, key.encode(), h5py.h5t.NATIVE_DOUBLE, space, made)
    dataset.write_direct_chunk((0, 0), b"packed", 0)


OBJECTS = {  # what a message says of each
    null: ("is empty: a null dataspace",),
    group: ("is a group, not a dataset; the file holds KEY/values",),
    sparse: ("is a sparse matrix (a group of data, ir, jc)", "A = full(A)"),
    sparse_of_python: ("is a sparse matrix", "A.toarray()"),
    soft_link: ("is a link to /nowhere/x, which cannot be opened",),
    external_link: ("is a link to /x in none.h5, which cannot be opened",),
    circle: ("is a link to /KEY, which cannot be opened",),
    datatype: ("is a datatype, not a dataset",),
    records: ("holds no numbers but records of name and value",),
    complex_of_matlab: ("holds complex numbers of real and imag",),
    enumeration: ("holds no numbers but an enumeration",),
    text: ("holds no numbers but text",),
    cells: ("holds no numbers but references", "cell array"),
    regions: ("holds no numbers but references",),
    ragged: ("holds no numbers but rows of several lengths",),
    time: ("a type that NumPy does not have",),
    virtual: ("is a virtual dataset, whose source x in none.h5 cannot be read",),
    virtual_of_the_same_file: ("is a virtual dataset, whose source gone in . cannot be read",),
    elsewhere: ("has its values in none.bin, which cannot be read or ends too early",),
    unwritten: ("was declared, but no value of it was ever written",),
    huge: ("GB of memory are free",),
    filtered: (f"needs the HDF5 filter {FILTER}", "HDF5_PLUGIN_PATH"),
}


def write_object(path: Path, key: str, make) -> Path:
    """Write a file in which ``make`` has put an object under a key."""
    with h5py.File(path, "w") as file:
        file.require_group(key.rpartition("/")[0] or "/")
        make(file, key)
    return path
