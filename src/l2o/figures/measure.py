"""What a panel draws and a table compares: columns of the curves, their units, their words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from l2o.figures.common import shifts
from l2o.figures.numbers import rounded, significant


@dataclass(frozen=True)
class Measure:
    """A value of the curves against a place, such as a loss against the iteration.

    Parameters
    ----------
    value : column of the means, which tables and published curves are about
    label : of the y axis, with its unit
    what : sentence of the foot that says what the value is
    x, xlabel : column of the places, and the label of the axis, which says what place 1 is
    median, low, high : columns of the median and the quartiles over everything pooled; by default
        called as the value, with "_median", "_q25" and "_q75" after it
    unit : follows a number, such as " dB"
    log : both axes are logarithmic; else both are linear
    bottom, top : no axis of values ends lower or higher; a curve beyond has left the panel
    smooth : dense places of a log axis are drawn as their mean
    ring : column with the iteration to be ringed in each curve; ``ring_label`` says what it is
    text, rounding : how values are written, and rounded before they are compared
    """

    value: str
    label: str
    what: str
    x: str = "iteration"
    xlabel: str = "Iteration (1: after one step)"
    median: str = ""
    low: str = ""
    high: str = ""
    unit: str = ""
    log: bool = True
    bottom: float = 1e-7
    top: float = 1e4
    smooth: bool = False
    ring: str = ""
    ring_label: str = ""
    text: Callable[[float], str] = significant
    rounding: Callable[[float], float] = rounded

    def __post_init__(self) -> None:
        for name, end in (("median", "median"), ("low", "q25"), ("high", "q75")):
            object.__setattr__(self, name, getattr(self, name) or f"{self.value}_{end}")

    @property
    def spread(self) -> list[str]:
        """The columns of lower quartile, median and upper quartile."""
        return [self.low, self.median, self.high]

    @property
    def columns(self) -> list[str]:
        """The columns of the curves that a panel reads."""
        return [self.x, self.value, *self.spread, *filter(None, [self.ring])]

    def places(self, curves: pd.DataFrame) -> pd.Series:
        """Return the place of each row; iterations as the paper counts them, with the shift."""
        return curves[self.x] + (shifts(curves) if self.x == "iteration" else 0)

    def number(self, value: float) -> str:
        """Return a value as text with its unit."""
        return f"{self.text(value)}{self.unit}"


@dataclass(frozen=True)
class Level:
    """A horizontal line for reference, such as an oracle, called ``name``.

    ``strong`` lines are dotted and black, others thin and grey.
    """

    name: str
    value: float
    strong: bool = True

    @property
    def look(self) -> dict[str, object]:
        """Keywords of ``Axes.plot``."""
        if self.strong:
            return {"color": "#000000", "linestyle": ":", "linewidth": 1.2}
        return {"color": "#A8A8A8", "linestyle": "-", "linewidth": 0.9}


@dataclass(frozen=True)
class Limit:
    """A curve for reference that is no method's, such as a bound for each layer, called ``name``.

    ``places`` and ``values`` are its points; drawn dotted, in ``colour``.
    """

    name: str
    places: Sequence[float]
    values: Sequence[float]
    colour: str = "#000000"

    @property
    def look(self) -> dict[str, object]:
        """Keywords of ``Axes.plot``."""
        return {"color": self.colour, "linestyle": (0, (1, 2.6)), "linewidth": 1.3}
