"""What a verdict calls level: so small a difference that it tells nothing about methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from l2o.figures.efforts import EFFORTS
from l2o.figures.verdict import NONE

LEVEL, APART = "level", 0.01
WORDS = "level: no more than 1 % of a loss, or 0.01 dB, apart by the first measure"


def with_level(row: Mapping[str, Any], log: bool) -> dict[str, Any]:
    """Return a row of :func:`l2o.figures.verdict.verdict_rows` with "level" where that is so.

    Parameters
    ----------
    log : whether values are losses, whose ratios count; else they are in dB
    """
    found = dict(row)
    for effort in EFFORTS:
        if row[f"verdict_{effort}"] == NONE:
            continue
        ours, theirs = row["first"], row[f"first_{effort}"]
        margin = APART * max(ours, theirs) if log else APART
        if np.isfinite([ours, theirs]).all() and abs(ours - theirs) <= margin:
            found[f"verdict_{effort}"] = LEVEL
    return found
