"""Panels of single measurements: points that a line joins, bars, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from l2o.figures import scales
from l2o.figures.style import MethodStyle

_BAR = {"fmt": "none", "elinewidth": 1.0, "capsize": 2.5, "capthick": 1.0, "zorder": 3.2}


@dataclass(frozen=True)
class Points:
    """Measurements (points,) called ``name``.

    ``hollow`` says which points are drawn so; ``bars`` are the ends of bars (2, points).
    """

    name: str
    look: MethodStyle
    x: Sequence[float]
    y: Sequence[float]
    hollow: Sequence[bool] | bool = False
    bars: Sequence[Sequence[float]] = ()


def draw_points(
    axes: Axes,
    series: Sequence[Points],
    labels: tuple[str, str],
    ticks: Mapping[float, str] | None = None,
    others: Sequence[float] = (),
) -> None:
    """Draw measurements.

    Parameters
    ----------
    axes : one panel
    series : what to draw
    labels : of both axes
    ticks : where the ticks of a log x axis are, and their labels; None: both axes are linear
    others : values besides that the axis must show
    """
    if ticks is not None:
        values = np.array([v for s in series for part in (s.y, *s.bars) for v in part] + [*others])
        values = values[np.isfinite(values) & (values > 0)]
        ends = (values.min(), values.max()) if len(values) else (0.1, 10.0)
        xlim = scales.padded((min(ticks), max(ticks)), log=True)
        axes.set(xscale="log", yscale="log", xlim=xlim, ylim=scales.padded(ends, True, part=0.08))
        scales.log_ticks(axes)
    for points in series:
        x, y = np.asarray(points.x, float), scales.drawn(points.y, log=False)
        line = points.look.line() | {"marker": None}
        sns.lineplot(x=x, y=y, ax=axes, estimator=None, legend=False, **line)
        if len(points.bars):
            low, high = scales.drawn(points.bars, log=False)
            whole = np.isfinite(low + high)
            length = np.maximum(high - low, 0)[whole]
            ends = np.stack([0 * length, length])
            axes.errorbar(x[whole], low[whole], ends, ecolor=points.look.colour, **_BAR)
        hollow = np.broadcast_to(points.hollow, len(x))
        for here in (True, False):
            axes.plot(x[hollow == here], y[hollow == here], zorder=4, **points.look.points(here))
    axes.set(xlabel=labels[0], ylabel=labels[1])
    if ticks is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return
    axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(ticks.values())))
    axes.xaxis.set_minor_locator(NullLocator())


def points_entries(series: Sequence[Points], hollow: str = "") -> list[Artist]:
    """Return the entries of a legend; ``hollow`` is what a hollow point means where some are so."""
    looks = {
        s.name: s.look.line() | (s.look.points(True) if s.hollow is True else {}) for s in series
    }
    looks |= {hollow: MethodStyle("#555555", "o").points(True)} if hollow else {}
    entries = [Line2D([], [], label=name, **look) for name, look in looks.items()]
    for entry, points in zip(entries, series, strict=False):
        entry.set_linestyle(points.look.dashes)
    return entries
