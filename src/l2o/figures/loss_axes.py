"""Losses on logarithmic axes: limits, markers, and what happens to odd values."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from l2o.figures.numbers import FLOOR

BOTTOM, TOP = 1e-7, 1e4  # no axis ends lower or higher
_MARKERS_PER_DECADE = 2.5


def clipped(losses: pd.Series) -> np.ndarray:
    """Return losses (points,) as drawn: at least FLOOR, and NaN, a gap, where not finite."""
    values = losses.to_numpy(float)
    return np.where(np.isfinite(values), np.maximum(values, FLOOR), np.nan)


def loss_limits(
    *losses: pd.Series, decades: float = 1.0, margin: float = 1.6
) -> tuple[float, float]:
    """Return limits of a log axis that show all losses from BOTTOM to TOP.

    They are at least ``decades`` apart; ``margin`` is the factor between a limit and a loss.
    """
    values = np.concatenate([clipped(column) for column in losses])
    shown = values[values <= TOP]
    low, high = shown.min(initial=np.inf), shown.max(initial=0.0)
    if low > high:
        return 0.1, 10.0
    low, high = max(low / margin, BOTTOM), max(high * margin, 10 * BOTTOM)
    if (narrow := 10**decades * low / high) > 1:
        low, high = low / narrow**0.5, high * narrow**0.5
    return max(low, BOTTOM), high


def place_limits(places: pd.Series) -> tuple[float, float]:
    """Return limits of a log axis that show all positive iterations or times, with a margin."""
    shown = places[places > 0]
    if not len(shown):
        return 0.1, 10.0
    margin = max((shown.max() / shown.min()) ** 0.045, 1.05)
    return shown.min() / margin, shown.max() * margin


def plain_ticks(axes: Axes) -> None:
    """Label a log y axis of less than two decades with numbers, such as 5, 10, 20."""
    low, high = axes.get_ylim()
    if high / low >= 100:
        return
    wide = high / low >= 20
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if wide else (1, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def band(
    axes: Axes, x: np.ndarray, low: pd.Series, high: pd.Series, colour: str, alpha: float
) -> None:
    """Shade the range from ``low`` to ``high`` (points,); a gap where one is not finite."""
    axes.fill_between(x, clipped(low), clipped(high), color=colour, alpha=alpha, linewidth=0)


def marked(at: np.ndarray, number: int) -> list[int]:
    """Return which points get a marker: evenly spread on a log axis, each curve at other places."""
    place = np.log10(at) * _MARKERS_PER_DECADE + number * 0.37
    return [int(i) for i in np.flatnonzero(np.diff(np.floor(place), prepend=np.floor(place[:1])))]
