"""IDX files: digits as ink from 0 to 1, and files that are not what they say."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from conftest import told
from l2o.datasets.idx import read_images, read_labels
from l2o.datasets.mnist import load_mnist
from l2o.errors import InputError
from small_digits import COUNTS, TRAIN_IMAGES, TRAIN_LABELS, idx_files, make_digits, make_mirror


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_mirror(tmp_path / "placed", idx_files(), packed=False)


@pytest.mark.parametrize("split", ["train", "test"])
def test_digits_are_loaded_as_they_are(folder, split):
    digits = make_digits()
    images, labels = load_mnist(folder, split)
    assert images.shape == (COUNTS[split], 784) and images.dtype == np.uint8
    assert labels.shape == (COUNTS[split],) and labels.dtype == np.uint8
    np.testing.assert_array_equal(images, digits[split][0].reshape(-1, 784))
    np.testing.assert_array_equal(labels, digits[split][1])


def test_an_unknown_split_is_the_callers_mistake(folder):
    with pytest.raises(ValueError, match="train, test, not 'validation'"):
        load_mnist(folder, "validation")


def _header(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "ends after 0 bytes of a header of 16"),
        (_header(0x803, 2, 28), "ends after 12 bytes"),
        (_header(0x801, 2, 28, 28) + bytes(2 * 784), "magic number: is 2049, not 2051"),
        (_header(0x803, 0, 28, 28), "count: is 0"),
        (_header(0x803, 2, 0, 28), "rows: is 0"),
        (_header(0x803, 1, 14, 56) + bytes(784), "rows x columns: are 14 x 56, not 28 x 28"),
        (_header(0x803, 2, 28, 28) + bytes(2 * 784 - 1), "has 1583 bytes, not 1584"),
        (_header(0x803, 2, 28, 28) + bytes(2 * 784 + 1), "has 1585 bytes, not 1584"),
        (_header(0x803, *[2**32 - 1] * 3) + bytes(784), "has 800 bytes"),
        (struct.pack("<4I", 0x803, 2, 28, 28) + bytes(2 * 784), "magic number"),
    ],
)
def test_image_files_that_are_not_what_they_say_are_told(folder, content, part):
    (folder / TRAIN_IMAGES).write_bytes(content)
    with pytest.raises(InputError) as error:
        load_mnist(folder, "train")
    told(error, folder / TRAIN_IMAGES, part)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (_header(0x801), "ends after 4 bytes of a header of 8"),
        (_header(0x803, 7) + bytes(7), "magic number: is 2051, not 2049"),
        (_header(0x801, 7) + bytes(6), "has 14 bytes, not 15"),
        (_header(0x801, 7) + b"\0\1\2\3\4\x0a\xff", "label 5: is 10, not a digit from 0 to 9"),
        (_header(0x801, 6) + bytes(6), f"count: is 6, but .*{TRAIN_IMAGES} has 7 images"),
    ],
)
def test_label_files_that_are_not_what_they_say_are_told(folder, content, part):
    (folder / TRAIN_LABELS).write_bytes(content)
    with pytest.raises(InputError, match=part) as error:
        load_mnist(folder, "train")
    told(error, folder / TRAIN_LABELS)


def test_files_that_are_missing_are_told(tmp_path):
    for read in (read_images, read_labels):
        with pytest.raises(InputError) as error:
            read(tmp_path / "nothing")
        told(error, tmp_path / "nothing", "No such file", "fetch the digits first")
