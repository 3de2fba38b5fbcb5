"""Pictures as rows of tables: a row for each line of pixels, 16 bits a pixel, in hexadecimal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from l2o.errors import InputError

LEVELS = 65535  # of grey, above black


def pixel_rows(picture: np.ndarray, **head: Any) -> list[dict[str, Any]]:
    """Return the rows of a picture, (height, width) from 0 to 1; what is beyond is clipped.

    ``head`` tells what picture it is, the same in every row; ``line`` counts from the top, and
    ``pixels`` begins with an x, so that no reader takes it for a number.
    """
    levels = np.rint(np.clip(np.asarray(picture, np.float64), 0, 1) * LEVELS).astype(">u2")
    return [head | {"line": i, "pixels": "x" + row.tobytes().hex()} for i, row in enumerate(levels)]


def pixels_of(rows: Iterable[Mapping[str, Any]], name: str = "pixels") -> np.ndarray:
    """Return the picture of some rows, (height, width) float64 from 0 to 1.

    Raises
    ------
    InputError : they are the rows of no picture; ``name`` is that of their table.
    """
    ordered = sorted(rows, key=lambda row: row["line"])
    try:
        lines = [np.frombuffer(bytes.fromhex(row["pixels"][1:]), ">u2") for row in ordered]
        return np.stack(lines) / LEVELS
    except (ValueError, TypeError) as error:
        raise InputError(name, "pixels", f"hold no picture ({error})", "write it again") from error
