"""Parameters of shifts: of which experiment, in which settings, what is shifted by how much."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from l2o.config.values import Count, Name, PresetName, Section, Text, within
from l2o.errors import InputError
from l2o.experiments.derived import DerivedParameters

AMPLITUDES = ("gaussian", "rademacher", "student")
ALLOWED = {  # values of each kind of shift: an interval, or names
    "density": "(0, 1]",
    "snr_db": "[-20, 120]",
    "amplitude": AMPLITUDES,
    "dictionary": "(0, 1]",
    "lam": "(0, inf)",
    "alpha": "(0, inf)",
    "size": "(0, 100]",
}
Values = Annotated[tuple[FiniteFloat | str, ...], Field(min_length=1)]


class Grid(Section):
    """What is shifted in one experiment."""

    settings: dict[Name, dict[Name, Values]] = Field(
        min_length=1, description="values by setting and kind of shift, beside the unshifted one"
    )
    iterations: tuple[Count, ...] = Field((), description="none: the depth of the nets")
    starts: Count = Field(1, description="runs of each instance")


class Preset(Section):
    """The grids of a preset."""

    note: Text = Field(description="what the preset is, in words, for the foot of figures")
    grids: dict[Name, Grid] = Field(min_length=1, description="by the name of the reports")


class Parameters(DerivedParameters):
    """The parameter file of shifts."""

    seed: int = Field(ge=0, description="root of the random streams of the shifted sets")
    compute_threads: int = Field(1, ge=1, le=256)
    solved_db: dict[Name, Annotated[FiniteFloat, Field(ge=-160, lt=0)]] = Field(
        description="by experiment: an error that low counts as none, in dB of the start's"
    )
    presets: dict[PresetName, Preset]

    def check(self, path: str | Path, known: Any) -> None:
        """Check the values of all presets.

        Raises
        ------
        InputError : one line with file, key, value and what is allowed.
        """
        for preset, chosen in self.presets.items():
            for name, grid in chosen.grids.items():
                place = f"presets.{preset}.grids.{name}"
                for setting, shifts in grid.settings.items():
                    for kind, values in shifts.items():
                        _check_values(path, f"{place}.settings.{setting}.{kind}", kind, values)


def _check_values(path: str | Path, place: str, kind: str, values: Values) -> None:
    allowed = ALLOWED.get(kind)  # an unknown kind is told by the room, which knows the experiment
    for value in values if allowed else ():
        named = isinstance(value, str)
        if isinstance(allowed, tuple):
            bad, words = value not in allowed, ", ".join(allowed)
        else:
            bad, words = named or not within(value, allowed), allowed
        if bad:
            told = value if named else f"{value:g}"
            raise InputError(path, place, f"{told} is not allowed", f"valid: {words}")
