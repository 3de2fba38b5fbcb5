"""IDX files, the format of MNIST: a big-endian header, then one byte per pixel or label.

Format: Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits",
http://yann.lecun.com/exdb/mnist/, section "File formats for the MNIST database".
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from l2o.errors import InputError

IMAGES_MAGIC, LABELS_MAGIC = 0x803, 0x801  # unsigned bytes in three dimensions, or in one
SIDE = 28  # pixels
CLASSES = 10
FETCH_AGAIN = "delete the file and fetch it again"


def read_images(path: Path) -> np.ndarray:
    """Return the images of an IDX file: (count, 28, 28) uint8 grey values, 255 for full ink.

    Raises
    ------
    InputError : the file cannot be read, is of another kind or size than its header says, holds
        no image or images of another size.
    """
    sizes, values = _read(path, IMAGES_MAGIC, ("count", "rows", "columns"))
    if sizes[1:] != (SIDE, SIDE):
        problem = f"are {sizes[1]} x {sizes[2]}, not {SIDE} x {SIDE}"
        raise InputError(path, "rows x columns", problem, FETCH_AGAIN)
    return values


def read_labels(path: Path) -> np.ndarray:
    """Return the labels of an IDX file: (count,) uint8, digits from 0 to 9.

    Raises
    ------
    InputError : as :func:`read_images`, and for a label above 9.
    """
    _, labels = _read(path, LABELS_MAGIC, ("count",))
    wrong = np.flatnonzero(labels >= CLASSES)
    if wrong.size:
        first = int(wrong[0])
        problem = f"is {labels[first]}, not a digit from 0 to {CLASSES - 1}"
        raise InputError(path, f"label {first}", problem, FETCH_AGAIN)
    return labels


def _read(path: Path, magic: int, axes: tuple[str, ...]) -> tuple[tuple[int, ...], np.ndarray]:
    """Return the sizes of the axes and the values, uint8 of that shape, read-only."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise InputError(path, "", problem, "fetch the digits first") from error
    header = struct.Struct(f">{1 + len(axes)}I")
    if len(content) < header.size:
        problem = f"ends after {len(content)} bytes of a header of {header.size}"
        raise InputError(path, "", problem, FETCH_AGAIN)
    found, *sizes = header.unpack_from(content)
    if found != magic:
        raise InputError(path, "magic number", f"is {found}, not {magic}", FETCH_AGAIN)
    for axis, size in zip(axes, sizes, strict=True):
        if size < 1:
            raise InputError(path, axis, "is 0, not positive", FETCH_AGAIN)
    expected = header.size + math.prod(sizes)
    if len(content) != expected:
        problem = f"has {len(content)} bytes, not {expected} as its header says ({sizes})"
        raise InputError(path, "", problem, FETCH_AGAIN)
    return tuple(sizes), np.frombuffer(content, np.uint8, offset=header.size).reshape(sizes)
