"""Pages of panels of curves: medians with quartiles, reference lines, and names at the ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from string import ascii_lowercase
from types import MappingProxyType

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures import scales
from l2o.figures.endings import (
    LEADER,
    LINE,
    SIZE,
    End,
    end_of,
    in_rows,
    label_ends,
    name_width,
    shortened,
)
from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.measure import Level, Limit, Measure
from l2o.figures.numbers import FLOOR
from l2o.figures.scales import Limits
from l2o.figures.style import BOX, SMALL, MethodStyle
from l2o.kinds import KINDS, LEARNED

KIND_HEADINGS = {name: kind.heading for name, kind in KINDS.items()}
_BAND = 0.11  # opacity
_OTHER = 1.9  # inches: the height of a panel of another sort
_RING = {"linestyle": "none", "marker": "o", "markersize": 7.5, "markerfacecolor": "none"}
_THIN = {"linewidth": 0.7, "linestyle": "-"}
Styles = Mapping[str, MethodStyle]


@dataclass(frozen=True)
class Panel:
    """One panel: the curves of one setting, with ``method``, ``base``, ``kind`` and ``status``.

    ``levels`` are lines for reference, ``limits`` curves, ``places`` upright lines with what they
    mean, ``notes`` lines of small print under the title, ``thin`` curves of the same methods that
    are drawn thin.
    """

    title: str
    curves: pd.DataFrame
    measure: Measure
    levels: Sequence[Level] = ()
    notes: Sequence[str] = ()
    places: Mapping[str, float] = field(default_factory=dict)
    limits: Sequence[Limit] = ()
    thin: pd.DataFrame | None = None


def curves_page(
    panels: Sequence[Panel],
    styles: Styles,
    legend: Mapping[str, Sequence[Artist]],
    foot: str,
    others: Mapping[str, Callable[[Axes], None]] = MappingProxyType({}),
) -> Figure:
    """Return a page with two panels in a row (one: the whole width), a legend and a foot.

    ``others`` are panels of another sort, by title: what draws them, under the rest.
    """
    limits = [scales.padded(pair, panels[0].measure.log) for pair in _ranges(panels)]
    panels = [
        replace(panel, notes=[*panel.notes, *_hidden(panel, pair)])
        for panel, pair in zip(panels, limits, strict=True)
    ]
    columns, points = min(2, len(panels)), [_points(p.curves, p.measure) for p in panels]
    ends = [_ends(*given, styles) for given in zip(panels, points, limits, strict=True)]
    names = [name_width(shortened(end.name)) for each in ends for end in each if not end.side]
    tall = max(2.35 if columns == 2 else 3.0, LINE * (1 + max(map(len, ends))))
    heights = [tall] * -(-len(panels) // columns) + [_OTHER] * -(-len(others) // columns)
    grid = PanelGrid(heights, columns, LEADER + 0.05 + max(names, default=0))
    exits = [
        1 + max((row for *_, row in in_rows(e, "above", grid.width)), default=-1) for e in ends
    ]
    rows = [count + len(panel.notes) for count, panel in zip(exits, panels, strict=True)]
    page, places = new_page(replace(grid, above=0.27 + LINE * max(rows)), legend, foot)
    for number, (panel, axes) in enumerate(zip(panels, places.flat, strict=False)):
        _draw_panel(axes, panel, points[number], limits[number], styles)
        label_ends(axes, ends[number])
        axes.set_ylabel("" if number % columns else panel.measure.label)
        under = 1 + (0.04 + LINE * exits[number]) / tall
        note = {"size": SIZE, "va": "bottom", "linespacing": 1.1, "transform": axes.transAxes}
        axes.text(0, under, "\n".join(panel.notes), **note)
    for axes, draw in zip(places.flat[len(panels) :], others.values(), strict=False):
        draw(axes)
    titles = [*(panel.title for panel in panels), *others]
    letters = [f"({letter}) " for letter in _letters(len(titles))] if len(titles) > 1 else [""]
    raised = [max(rows[i - i % columns :][:columns]) for i in range(len(rows))] + [0] * len(others)
    for axes, *title, lines in zip(places.flat, letters, titles, raised, strict=False):
        axes.set_title("".join(title), loc="left", weight="bold", pad=6 + 72 * LINE * lines)
    for axes in places.flat[len(titles) :]:
        axes.set_axis_off()
    return page


def _letters(count: int) -> list[str]:
    """Return a, b, ... z, aa, ab, ..."""
    pairs = ("".join(pair) for pair in product(ascii_lowercase, repeat=2))
    return [*ascii_lowercase, *pairs][:count]


def _ranges(panels: Sequence[Panel]) -> list[Limits]:
    """Return the range of the values of each panel; a level stretches it only if it is near."""
    ranges = []
    for panel in panels:
        bounds = (pd.Series(limit.values, dtype=float) for limit in panel.limits)
        every = pd.concat([panel.curves, panel.thin]) if panel.thin is not None else panel.curves
        low, high = scales.value_limits(every, panel.measure, *bounds)
        for level in panel.levels:
            if -0.5 < _height(level, panel.measure, (low, high)) < 1.5:
                low, high = min(low, level.value), max(high, level.value)
        ranges.append((low, high))
    return scales.shared(ranges, panels[0].measure.log)


def _height(level: Level, measure: Measure, limits: Limits) -> float:
    return float(scales.scaled(scales.drawn([level.value], measure.log), limits, measure.log)[0])


def _points(rows: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Return the rows that are drawn, with their place as ``at``, and what is ``ringed``."""
    ringed = rows["iteration"] == rows[measure.ring] if measure.ring else False
    rows = rows.assign(at=measure.places(rows).astype(float), ringed=ringed)
    if not measure.log:
        return rows
    rows = rows[rows["at"] > 0]
    rows = scales.thinned(rows, measure.spread) if measure.smooth else rows
    return rows.assign(**rows[measure.spread].astype(float).clip(lower=FLOOR))


def _ends(panel: Panel, points: pd.DataFrame, limits: Limits, styles: Styles) -> list[End]:
    """Return the ends of the lines of a panel, and name and value of each level that is in it."""
    measure, ends = panel.measure, []
    xlim = scales.place_limits(points["at"], measure.log)
    for method, curve in points.groupby("method", sort=False):
        x = scales.scaled(curve["at"].to_numpy(), xlim, measure.log)
        y = scales.scaled(curve[measure.median].to_numpy(float), limits, measure.log)
        lost = bool((curve["status"] != "converged").any())
        ends.append(end_of(curve["base"].iloc[0], styles[method].colour, x, y, lost))
    for limit in panel.limits:
        x = scales.scaled(np.asarray(limit.places, float), xlim, measure.log)
        y = scales.scaled(scales.drawn(limit.values, measure.log), limits, measure.log)
        ends.append(end_of(limit.name, limit.colour, x, y, diverged=False))
    for level in panel.levels:
        if 0 <= (y := _height(level, measure, limits)) <= 1:
            colour = str(level.look["color"])
            ends.append(End(measure.number(level.value), colour, 1.0, y, leader=False))
            ends.append(End(level.name, colour, 1.0, y))
    return ends


def _hidden(panel: Panel, limits: Limits) -> list[str]:
    """Return a note for each level that is out of the panel."""
    notes = []
    for level in panel.levels:
        if not 0 <= (y := _height(level, panel.measure, limits)) <= 1:
            side = "above" if y > 1 else "below"
            notes.append(f"{level.name}: {panel.measure.number(level.value)}, {side} the axis")
    return notes


def _draw_panel(
    axes: Axes, panel: Panel, points: pd.DataFrame, limits: Limits, styles: Styles
) -> None:
    """Draw one panel, without title and names."""
    measure, log = panel.measure, panel.measure.log
    xlim = scales.place_limits(points["at"], log)
    scales.set_scales(axes, measure, xlim, limits)
    points = points.replace([np.inf, -np.inf], np.nan).dropna(subset=measure.median)
    colours = {method: styles[method].colour for method in points["method"]}
    how = {"hue": "method", "palette": colours, "estimator": None, "legend": False}
    if len(points):
        sns.lineplot(points, x="at", y=measure.median, ax=axes, **how)
    lines = list(axes.lines)
    for number, (method, curve) in enumerate(points.groupby("method", sort=False)):
        look, learned = styles[method], curve["kind"].iloc[0] in LEARNED
        places = scales.marker_places(curve["at"].to_numpy(), number, log)
        lines[number].set(**look.line(), zorder=3 if learned else 2.5, markevery=places)
        if learned:
            band = {"color": look.colour, "alpha": _BAND, "linewidth": 0, "data": curve}
            axes.fill_between("at", measure.low, measure.high, **band)
        ringed = curve[curve["ringed"]]
        edge = {"markeredgecolor": look.colour, "zorder": 4}
        axes.plot(ringed["at"], ringed[measure.median], **_RING | edge)
    if panel.thin is not None:
        for method, curve in _points(panel.thin, measure).groupby("method", sort=False):
            look = _THIN | {"color": styles[method].colour}
            axes.plot(curve["at"], scales.drawn(curve[measure.median], log), zorder=2.3, **look)
    for limit in panel.limits:
        axes.plot(limit.places, limit.values, zorder=2.4, **limit.look)
    for level in panel.levels:
        if limits[0] <= level.value <= limits[1]:
            axes.axhline(level.value, zorder=2.4, **level.look)
    for words, place in panel.places.items():
        axes.axvline(place, zorder=2.6, color="#333333", linestyle=(0, (4, 2)), linewidth=0.9)
        side = ("left", 4) if scales.scaled(place, xlim, log) < 0.7 else ("right", -4)
        at = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
        look = {"size": SMALL, "va": "top", "bbox": BOX, "zorder": 5, "ha": side[0]}
        axes.annotate(words, (place, 0.975), (side[1], 0), **at, **look)
    axes.set(xlabel=measure.xlabel, ylabel=measure.label)


def legend_of(
    curves: pd.DataFrame,
    styles: Styles,
    headings: Mapping[str, str] = MappingProxyType({}),
    levels: Sequence[Level | Limit] = (),
    rings: str = "",
    thin: str = "",
) -> dict[str, list[Artist]]:
    """Return the entries of the methods of ``curves`` by the heading of their kind, then reference.

    ``headings`` are those that are not the usual ones, ``rings`` and ``thin`` what a ring and a
    thin line mean.
    """
    first, entries = curves.drop_duplicates("method"), {}
    for kind, heading in {**KIND_HEADINGS, **headings}.items():
        for _, row in first[first["kind"] == kind].iterrows():
            line = Line2D([], [], label=row["base"], **styles[row["method"]].line())
            entries.setdefault(heading, []).append(line)
    looks = {level.name: level.look for level in levels}
    looks |= {rings: _RING | {"markeredgecolor": "#444444"}} if rings else {}
    looks |= {thin: _THIN | {"color": "#444444"}} if thin else {}
    entries["Reference"] = [Line2D([], [], label=name, **look) for name, look in looks.items()]
    return entries
