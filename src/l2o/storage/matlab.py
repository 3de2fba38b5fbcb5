"""Arrays of numbers in .mat files of MATLAB, versions 5 to 7.

The format is that of "MAT-File Format", The MathWorks, chapter 1. SciPy reads it as well, but ends
the whole process on some files that are damaged.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

VERSION_5 = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}  # byte 124: version, and order of bytes
HEADER = 128  # bytes before the first element
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED = 14, 15  # types of elements that are no plain numbers
NUMBERS = {  # classes of arrays, and how NumPy calls them
    **{"double": "f8", "single": "f4"},
    **{f"{u}int{8 * size}": f"{u or 'i'}{size}" for size in (1, 2, 4, 8) for u in ("", "u")},
}
KINDS = ["", "cell", "struct", "object", "char", "sparse", *NUMBERS, "function", "opaque"]
LOGICAL, COMPLEX = 0x02, 0x08
ENOUGH = 4096  # bytes that a variable's flags, shape and name never fill


class Variable(NamedTuple):
    """What a file says of a variable.

    Parameters
    ----------
    kind : its class in MATLAB, such as "double", "char" or "logical"
    dtype : of a class of numbers, NumPy's; else None
    place : byte of the file at which its element begins
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    dtype: np.dtype | None
    is_complex: bool
    place: int


class _Buffer:
    """Elements one after another, in bytes.

    Raises
    ------
    ValueError : they end too early.
    """

    def __init__(self, content: bytes, order: str) -> None:
        self.content, self.order, self.at = content, order, 0

    def take(self, count: int) -> bytes:
        taken = self.content[self.at : self.at + count]
        if len(taken) < count:
            raise ValueError(f"{count} bytes are expected, and {len(taken)} are there")
        self.at += count
        return taken

    def tag(self) -> tuple[int, int, bool]:
        """Return type and size of the next element, and whether it is a short one."""
        kind, size = struct.unpack(self.order + "II", self.take(8))
        if not kind >> 16:
            return kind, size, False
        self.at -= 4  # its values are in the tag
        return kind & 0xFFFF, kind >> 16, True

    def element(self) -> np.ndarray:
        """Return the numbers of the next element."""
        kind, size, short = self.tag()
        if kind not in TYPES or (short and size > 4):
            raise ValueError(f"{size} bytes of type {kind}")
        values = np.frombuffer(self.take(size), self.order + TYPES[kind])
        self.take(4 - size if short else min(-size % 8, len(self.content) - self.at))
        return values


def read_variables(path: Path) -> Iterator[Variable]:
    """Yield the named variables of a file.

    Raises
    ------
    ValueError, zlib.error, struct.error : the file is damaged.
    """
    with path.open("rb") as file:
        order, place, end = _order(file), HEADER, file.seek(0, 2)
        while place < end:
            following, content, _ = _element(file, order, place, ENOUGH)
            if (found := _described(content, place)).name:
                yield found
            place = following


def read_values(path: Path, variable: Variable) -> np.ndarray:
    """Return the numbers of a variable, in the type of its class.

    Raises
    ------
    ValueError, zlib.error, struct.error : the file is damaged.
    """
    with path.open("rb") as file:
        order = _order(file)
        most = ENOUGH + prod(variable.shape) * 8 + 16
        _, content, whole = _element(file, order, variable.place, most)
        _described(content, variable.place)
        values = content.element()
    if not whole or values.size != prod(variable.shape) or content.at != len(content.content):
        raise ValueError(f"{variable.name} has not as many values as its shape {variable.shape}")
    return values.astype(variable.dtype).reshape(variable.shape, order="F")


def _order(file: IO[bytes]) -> str:
    """Return the order of bytes in a file, as struct has it."""
    mark = file.read(HEADER)[HEADER - 4 :]
    if mark not in VERSION_5:
        raise ValueError(f"a header of {HEADER} bytes is expected")
    return VERSION_5[mark]


def _element(file: IO[bytes], order: str, place: int, most: int) -> tuple[int, _Buffer, bool]:
    """Return where the element after this one begins, and what is in this one, a matrix.

    Parameters
    ----------
    most : bytes of it that are read; last, it is returned whether these are all
    """
    end = file.seek(0, 2)
    file.seek(place)
    kind, size = struct.unpack(order + "II", file.read(8))
    following = place + 8 + size
    if following > end:
        raise ValueError(f"{following} bytes are expected, and {end} are there")
    if kind == MATRIX:
        return following, _Buffer(file.read(min(size, most)), order), size <= most
    if kind != COMPRESSED:
        raise ValueError(f"an element of type {kind}")
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(file.read(size if most > ENOUGH else min(size, most)), 8 + most)
    kind, size = struct.unpack(order + "II", content[:8])
    if kind != MATRIX:
        raise ValueError(f"an element of type {kind} in a compressed one")
    # At its end the check sum is compared.
    whole = unpacking.eof and len(content) == 8 + size
    return following, _Buffer(content[8:], order), whole


def _described(content: _Buffer, place: int) -> Variable:
    """Return what the first elements of a matrix say of it."""
    flags, shape, name = (content.element() for _ in range(3))
    axes = tuple(int(length) for length in shape)
    number, bits = (int(flags[0]) & 0xFF, int(flags[0]) >> 8) if len(flags) else (0, 0)
    if len(axes) < 2 or min(axes) < 0 or not 0 < number < len(KINDS):
        raise ValueError(f"an array of class {number} and shape {axes}")
    kind = "logical" if bits & LOGICAL else KINDS[number]
    dtype = np.dtype(NUMBERS[kind]) if kind in NUMBERS else None
    text = name.tobytes().decode("utf-8")
    return Variable(text, axes, kind, dtype, bool(bits & COMPLEX), place)
