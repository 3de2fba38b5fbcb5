"""Axes of panels: limits, ticks, what is drawn of odd values, and where lines are thinned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from l2o.figures.measure import Measure
from l2o.figures.numbers import FLOOR, tick

BINS = 12  # a decade of a smoothed axis is drawn as so many points
_MARKERS_PER_DECADE = 2.5
_BAND = 10  # bands stretch a log axis to a tenth of the lowest line at most
_ROOM = 8  # a curve that diverged stretches a log axis to so many times its start at most
_ALIKE = 0.5  # panels share an axis if their ranges have so large a part in common
Limits = tuple[float, float]


def drawn(values: Sequence[float], log: bool) -> np.ndarray:
    """Return values (points,) as drawn: NaN where not finite, at least FLOOR on a log axis."""
    values = np.asarray(values, float)
    finite = np.where(np.isfinite(values), values, np.nan)
    return np.maximum(finite, FLOOR) if log else finite


def scaled(values: np.ndarray | float, limits: Limits, log: bool) -> np.ndarray:
    """Return where values are on an axis: 0 at its lower limit, 1 at its upper one."""
    (low, high), values = _even(limits, log), _even(values, log)
    return (values - low) / (high - low)


def _even(values: Sequence[float] | float, log: bool) -> np.ndarray:
    return np.log(values) if log else np.asarray(values, float)


def value_limits(curves: pd.DataFrame, measure: Measure, *others: pd.Series) -> Limits:
    """Return limits that show medians and quartiles (and ``others``) within those of the measure.

    Of a curve that diverged, what is far above its start is left out.
    """
    kept = [np.empty(0), *(np.asarray(values, float) for values in others)]
    for _, curve in curves.groupby(["setting", "method", "variant"], sort=False):
        columns = curve[measure.spread].to_numpy(float)
        if (curve["status"] != "converged").any():
            start = curve[measure.median].iloc[0]
            columns = columns[columns <= (_ROOM * start if measure.log else start)]
        kept.append(columns.ravel())
    values = drawn(np.concatenate(kept), measure.log)
    shown = values[(values >= measure.bottom) & (values <= measure.top)]
    if not len(shown):
        return (0.1, 10.0) if measure.log else (-1.0, 1.0)
    low = measure.bottom if (values < measure.bottom).any() else shown.min()
    lines = drawn(np.concatenate([*kept[1 : 1 + len(others)], curves[measure.median]]), measure.log)
    if measure.log and (lines := lines[lines <= measure.top]).size:
        low = max(low, measure.bottom, lines.min() / _BAND)
    if low == (high := shown.max()):
        return (low / 1.1, high * 1.1) if measure.log else (low - 1.0, high + 1.0)
    return low, high


def padded(limits: Limits, log: bool, part: float = 0.04, above: float = 0.0) -> Limits:
    """Return limits with ``part`` of their distance added on both sides, and ``above`` on top."""
    low, high = _even(limits, log)
    if log and high - low < 0.7:  # a factor of two at least
        low, high = (low + high) / 2 - 0.35, (low + high) / 2 + 0.35
    span = (high - low) or 1.0
    ends = np.array([low - part * span, high + (part + above) * span])
    low, high = np.exp(ends) if log else ends
    return float(low), float(high)


def shared(ranges: Sequence[Limits], log: bool) -> list[Limits]:
    """Return limits for panels beside each other: those that are alike become one.

    Two ranges are alike if what they have in common is half of what they cover together.
    """
    ends = [tuple(_even(limits, log)) for limits in ranges]
    group = list(range(len(ends)))
    for one, (low, high) in enumerate(ends):
        for other, (bottom, top) in enumerate(ends[:one]):
            common, covered = min(high, top) - max(low, bottom), max(high, top) - min(low, bottom)
            if common >= _ALIKE * covered:
                group = [group[other] if name == group[one] else name for name in group]
    lows, highs = np.array(ranges).T
    members = [np.array(group) == name for name in group]
    return [(float(lows[same].min()), float(highs[same].max())) for same in members]


def place_limits(places: pd.Series, log: bool) -> Limits:
    """Return limits from the first to the last place drawn; on a log axis only those above 0."""
    shown = places[places > 0] if log else places
    low, high = (shown.min(), shown.max()) if len(shown) else (1.0, 10.0)
    return float(low), float(high if high > low else low + (9 * low if log else 1.0))


def set_scales(axes: Axes, measure: Measure, xlim: Limits, ylim: Limits) -> None:
    """Set scales, limits and ticks of a panel."""
    if measure.log:
        axes.set(xscale="log", yscale="log", xlim=xlim, ylim=ylim)
        log_ticks(axes)
        return
    axes.set(xlim=xlim, ylim=ylim)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 4, 5, 10]))


def log_ticks(axes: Axes) -> None:
    """Label log axes with numbers, and those of less than two decades with more than decades."""
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() != "log":
            continue
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        if axis is axes.yaxis and high / low < 100:
            subs = (1, 2, 5) if high / low >= 8 else (1, 2, 3, 5, 7)
            axis.set_major_locator(LogLocator(subs=subs))
        axis.set_minor_formatter(NullFormatter())


def few_ticks(axes: Axes) -> None:
    """Leave out minor ticks, and print small: for panels of a few centimetres."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        axis.set_minor_locator(NullLocator())
        if axis.get_scale() != "log":
            axis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 4, 5, 10]))
        elif high / low >= 100:
            axis.set_major_locator(LogLocator(numticks=5))
    axes.tick_params(labelsize=6, pad=2)


def thinned(curves: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return curves with one row for each twelfth of a decade of their column ``at``.

    Places and values are geometric means; the last place is kept, so that a line ends where the
    curve does.
    """
    bins = pd.Series(np.floor(np.log10(curves["at"]) * BINS + 1e-9), curves.index, name="bin")
    values, of_bin = curves[["at", *columns]].clip(lower=FLOOR), [curves["method"], bins]
    means = np.exp(np.log(values).groupby(of_bin).transform("mean"))
    last = ~curves.duplicated("method", keep="last")
    means["at"] = means["at"].where(~last, curves["at"])
    several = values["at"].groupby(of_bin).transform("size") > 1
    kept = ~curves.assign(bin=bins).duplicated(["method", "bin"], keep="last")
    return curves.assign(**means.where(several, values))[kept]


def marker_places(at: np.ndarray, number: int, log: bool) -> list[int]:
    """Return which points get a marker: evenly spread, each curve at other places of a log axis."""
    if not log:
        return list(range(len(at)))
    place = np.floor(np.log10(at) * _MARKERS_PER_DECADE + number * 0.37)
    return [int(i) for i in np.flatnonzero(np.diff(place, prepend=place[:1]))]
