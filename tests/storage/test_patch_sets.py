"""Matrices of the sensing of patches in HDF5: written, read, and refused where they do not fit."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from l2o.errors import InputError
from l2o.storage.patch_sets import MATRICES, read_sensing, write_sensing

SHAPES = {"phi": (4, 9), "whitener": (3, 3), "A": (3, 12), "decoder": (9, 12), "linear": (9, 3)}


@pytest.fixture
def path(tmp_path):
    random = np.random.default_rng(0)
    matrices = {name: random.standard_normal(shape) for name, shape in SHAPES.items()}
    write_sensing(file := tmp_path / "set.h5", matrices, {"setting": "one"})
    return file


def test_matrices_come_back(path):
    found, random = read_sensing(path), np.random.default_rng(0)
    assert [*found] == [*MATRICES]
    for name, shape in SHAPES.items():
        assert (found[name] == random.standard_normal(shape)).all()


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_that_is_missing_or_does_not_fit_is_told(path, name):
    with h5py.File(path, "a") as file:
        whole = file[name][()]
        del file[name]
    with pytest.raises(InputError, match=f"{name}: this dataset is missing"):
        read_sensing(path)
    for wrong in (whole[0], np.vstack([whole, whole])):
        with h5py.File(path, "a") as file:
            file[name] = wrong
        with pytest.raises(InputError, match="does not fit"):
            read_sensing(path)
        with h5py.File(path, "a") as file:
            del file[name]
    with h5py.File(path, "a") as file:
        file[name] = whole * np.nan
    with pytest.raises(InputError, match=f"{name}: holds NaN"):
        read_sensing(path)
