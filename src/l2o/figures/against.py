"""Pages of panels of lines over a number of any kind: a ratio, an iteration, a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.numbers import tick

_HEIGHT = 2.9  # inches of a panel


@dataclass(frozen=True)
class Series:
    """A line: places and values (points,), and keywords of ``Axes.plot``."""

    places: Sequence[float]
    values: Sequence[float]
    look: Mapping[str, Any]


@dataclass(frozen=True)
class Against:
    """A panel: its lines, and the labels of its axes; ``log`` is about the places only."""

    title: str
    series: Sequence[Series]
    xlabel: str
    ylabel: str
    log: bool = False


def against_page(
    panels: Sequence[Against], legend: Mapping[str, Sequence[Artist]], foot: str
) -> Figure:
    """Return a page with two panels in a row (one: the whole width), a legend and a foot.

    A line of a single point is drawn as one; what is not finite is left out, and on a logarithmic
    axis also what is not above 0.
    """
    columns = min(2, len(panels))
    grid = PanelGrid([_HEIGHT] * -(-len(panels) // columns), columns, between=0.56)
    page, places = new_page(grid, legend, foot)
    for number, axes in enumerate(places.flat):
        if number >= len(panels):
            axes.set_axis_off()
            continue
        panel = panels[number]
        for series in panel.series:
            x, y = np.asarray(series.places, float), np.asarray(series.values, float)
            seen = np.isfinite(x) & np.isfinite(y) & ((x > 0) | (not panel.log))
            every = max(1, seen.sum() // 10)
            axes.plot(x[seen], y[seen], **{"markevery": int(every), **series.look})
        if panel.log:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
            axes.xaxis.set_minor_formatter(NullFormatter())
        letter = f"({chr(ord('a') + number)}) " if len(panels) > 1 else ""
        axes.set_title(letter + panel.title, loc="left", weight="bold")
        axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel)
    return page
