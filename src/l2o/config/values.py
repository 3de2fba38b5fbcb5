"""Values that parameters have: names, texts, numbers and their ranges; the base of all sections."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

PRESETS = ("smoke", "laptop", "paper")
PresetName = Literal[PRESETS]
_INTERVAL = re.compile(r"(integers )?([\[(])(\S+), (\S+)([\])])")


def _printable(path: Path) -> Path:
    if not str(path).isprintable():
        raise ValueError("a path should have no control characters")
    return path


Name = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_]+$", max_length=60)]  # part of paths
Text = Annotated[str, StringConstraints(pattern=r"^\P{Cc}+$", max_length=400)]
Folder = Annotated[str, StringConstraints(pattern=r"^\P{Cc}*$")]  # empty: none
File = Annotated[Path, AfterValidator(_printable)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Size = Annotated[int, Field(ge=2, le=10**6)]
NonNegative = Annotated[FiniteFloat, Field(ge=0)]
Positive = Annotated[FiniteFloat, Field(gt=0)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Rate = Annotated[FiniteFloat, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A section: no unknown keys, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def within(value: float, interval: str) -> bool:
    """Return whether a number lies in an interval.

    Parameters
    ----------
    interval : as in mathematics, such as ``[0, 1)``, ``(0, inf)`` or ``integers [1, 100]``

    Raises
    ------
    ValueError : that is no interval.
    """
    if not (match := _INTERVAL.fullmatch(interval)):
        raise ValueError(f"{interval!r} is no interval such as [0, 1) or integers [1, 100]")
    integers, left, low, high, right = match.groups()
    above = value >= float(low) if left == "[" else value > float(low)
    below = value <= float(high) if right == "]" else value < float(high)
    return above and below and not (integers and value % 1)
