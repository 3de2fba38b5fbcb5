"""Stored digits and starts: what comes back, and every fault told in one line."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from conftest import told
from l2o.errors import InputError
from l2o.optimizees.network_runs import load_digits
from l2o.storage.digit_sets import read_digits, read_starts, write_digits, write_starts
from small_digits import make_digits


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "digits.h5"
    splits = make_digits()
    flat = {name: (images.reshape(-1, 784), labels) for name, (images, labels) in splits.items()}
    write_digits(path, flat, {"source": "random"})
    return path


def test_digits_come_back_as_ink_from_0_to_1(stored):
    images, labels = read_digits(stored, "test")
    expected = make_digits()["test"]
    assert images.dtype == np.float32 and labels.dtype == np.int64
    assert np.array_equal(images * 255, expected[0].reshape(-1, 784))
    assert np.array_equal(labels, expected[1])
    loaded = load_digits(stored, "test")
    assert loaded.source == str(stored) and len(loaded) == len(labels)


def replaced(path, place: str, values) -> None:
    with h5py.File(path, "r+") as file:
        del file[place]
        if values is not None:
            file[place] = values


@pytest.mark.parametrize(
    ("place", "values", "told_of"),
    [
        ("train/images", None, "train/images: this dataset is missing"),
        ("train/labels", None, "train/labels: this dataset is missing"),
        ("train", None, "train/images: this dataset is missing"),
        ("train/labels", np.zeros(7), "train/labels: holds float64, another type of numbers"),
        ("train/labels", np.zeros(7, "i8"), "train/labels: holds int64, another type"),
        ("train/labels", np.zeros(6, "u1"), "(7, 784) and labels (6,) do not fit each other"),
        ("train/labels", np.uint8(3), "(7, 784) and labels () do not fit each other"),
        ("train/images", np.uint8(3), "images () and labels (7,) do not fit each other"),
        ("train/images", np.zeros((7, 28, 28), "u1"), "(7, 28, 28) and labels (7,) do not fit"),
    ],
)
def test_digits_of_another_form_are_told(stored, place, values, told_of):
    replaced(stored, place, values)
    with pytest.raises(InputError) as error:
        read_digits(stored, "train")
    told(error, stored, told_of)
    assert len(read_digits(stored, "test")[1]) == 3


@pytest.mark.parametrize("kept", [0, 100, 0.3, 0.9, -1])
@pytest.mark.parametrize("kind", ["digits", "starts"])
def test_a_truncated_file_is_told(stored, tmp_path, kept, kind):
    read, path = read_digits, stored
    if kind == "starts":
        read, path = read_starts, tmp_path / "starts.h5"
        write_starts(path, {"train": np.ones((3, 4000), "f4")}, {})
    content = path.read_bytes()
    length = round(kept * len(content)) if isinstance(kept, float) else kept % len(content)
    path.write_bytes(content[:length])
    with pytest.raises(InputError) as error:
        read(path, "train")
    told(error, path, "is truncated or damaged")


def test_damaged_pixels_are_told(stored):
    """In the middle of what is compressed, where the file itself opens."""
    with h5py.File(stored) as file:
        chunk = file["train/images"].id.get_chunk_info(0)
    content = bytearray(stored.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    stored.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_digits(stored, "train")
    told(error, stored, "is truncated or damaged")


@pytest.mark.parametrize(
    ("values", "told_of"),
    [
        (None, "test/starts: this dataset is missing"),
        (np.zeros(7, "f4"), "test/starts: is no matrix of finite numbers: shape (7,)"),
        (np.float32(1), "test/starts: is no matrix of finite numbers: shape ()"),
        (np.full((2, 3), np.nan, "f4"), "test/starts: is no matrix of finite numbers"),
        (np.zeros((2, 3), "i4"), "test/starts: holds int32, another type of numbers"),
    ],
)
def test_starts_of_another_form_are_told(tmp_path, values, told_of):
    path = tmp_path / "starts.h5"
    write_starts(path, {"test": np.ones((2, 3), "f4")}, {})
    assert np.array_equal(read_starts(path, "test"), np.ones((2, 3), np.float32))
    replaced(path, "test/starts", values)
    with pytest.raises(InputError) as error:
        read_starts(path, "test")
    told(error, path, told_of)


def test_no_file_is_told_with_the_command_that_makes_it(tmp_path):
    for read in (read_digits, read_starts):
        with pytest.raises(InputError) as error:
            read(tmp_path / "nothing.h5", "train")
        told(error, tmp_path / "nothing.h5", "no such file", "snakemake")
