"""Stored pictures and pictures in tables: what comes back, and every fault told in one line."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from conftest import told
from l2o.errors import InputError
from l2o.storage.picture_sets import read_pictures, write_pictures
from l2o.storage.pixels import pixel_rows, pixels_of
from l2o.storage.tables import read_rows, write_table

RNG = np.random.default_rng(3)
PICTURES = {name: RNG.integers(0, 256, (5, 7), dtype=np.uint8) for name in ("z", "a")}


@pytest.fixture
def stored(tmp_path):
    write_pictures(tmp_path / "set.h5", {"test": PICTURES}, {"source": "random"})
    return tmp_path / "set.h5"


def test_pictures_come_back_in_their_order(stored, tmp_path):
    found = read_pictures(stored, "test")
    assert [*found] == ["z", "a"]
    assert all(np.array_equal(found[name], PICTURES[name]) for name in found)
    write_pictures(tmp_path / "again.h5", {"test": PICTURES}, {"source": "random"})
    assert (tmp_path / "again.h5").read_bytes() == stored.read_bytes()


@pytest.mark.parametrize(
    ("values", "problem"),
    [(np.zeros((2, 3, 3), np.uint8), "grey picture"), (np.zeros((2, 2), np.uint16), "of 8 bits")],
)
def test_what_is_no_picture_is_refused(stored, values, problem):
    with h5py.File(stored, "r+") as file:
        del file["test/a"]
        file["test/a"] = values
    with pytest.raises(InputError) as error:
        read_pictures(stored, "test")
    told(error, stored, "test/a", problem)


def test_a_missing_part_is_told(stored):
    with pytest.raises(InputError) as error:
        read_pictures(stored, "train")
    told(error, stored, "train", "missing")


def test_pixels_go_through_a_table_and_back(tmp_path):
    picture = RNG.uniform(-0.1, 1.1, (6, 9))
    write_table(tmp_path / "pixels.csv", pixel_rows(picture, setting="a", method="b"))
    rows = read_rows(tmp_path / "pixels.csv")
    assert np.abs(pixels_of(rows) - picture.clip(0, 1)).max() <= 0.5 / 65535 + 1e-12
    assert np.array_equal(pixels_of(reversed(rows)), pixels_of(rows))
    rows[2]["pixels"] = rows[2]["pixels"][:-4]
    with pytest.raises(InputError, match="hold no picture"):
        pixels_of(rows, "pixels.csv")
