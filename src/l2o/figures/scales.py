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
    kept = [np.asarray(values, float) for values in others]
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
    below = (values < measure.bottom).any()
    return (measure.bottom if below else shown.min()), shown.max()


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
    groups: list[list[int]] = []
    for number, (low, high) in enumerate(ends):
        alike = []
        for group in groups:
            pairs = [(min(high, ends[i][1]) - max(low, ends[i][0]), i) for i in group]
            widths = {i: max(high, ends[i][1]) - min(low, ends[i][0]) for i in group}
            alike += [group] * any(common >= _ALIKE * widths[i] for common, i in pairs)
        groups = [g for g in groups if g not in alike] + [[*sum(alike, []), number]]
    whole = dict.fromkeys(range(len(ends)))
    for group in groups:
        members = [ranges[i] for i in group]
        limits = min(low for low, _ in members), max(high for _, high in members)
        whole.update(dict.fromkeys(group, limits))
    return list(whole.values())


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


def thinned(curve: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a curve with one row for each twelfth of a decade of its column ``at``.

    Places and values are geometric means; first and last place are kept, so that a line begins and
    ends where the curve does.
    """
    if len(curve) < 2:
        return curve
    bins = np.floor(np.log10(curve["at"]) * BINS + 1e-9).to_numpy()
    means = np.exp(np.log(curve[["at", *columns]].clip(lower=FLOOR)).groupby(bins).mean())
    means.loc[means.index[[0, -1]], "at"] = curve["at"].iloc[[0, -1]].to_numpy()
    return means.reset_index(drop=True)


def marker_places(at: np.ndarray, number: int, log: bool) -> list[int]:
    """Return which points get a marker: evenly spread, each curve at other places of a log axis."""
    if not log:
        return list(range(len(at)))
    place = np.floor(np.log10(at) * _MARKERS_PER_DECADE + number * 0.37)
    return [int(i) for i in np.flatnonzero(np.diff(place, prepend=place[:1]))]
