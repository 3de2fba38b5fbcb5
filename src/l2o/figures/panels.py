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
from l2o.figures.common import LEARNED
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
from l2o.figures.layout import Grid, new_page
from l2o.figures.measure import Level, Measure
from l2o.figures.numbers import FLOOR
from l2o.figures.scales import Limits
from l2o.figures.style import BOX, SMALL, MethodStyle

KIND_HEADINGS = {  # of the groups of a legend, in their order
    "classical": "Classical",
    "first_order": "First-order",
    "population": "Population",
    "unrolled": "Learned, unrolled",
    "recurrent": "Learned, recurrent",
}
_BAND = 0.11  # opacity
_OTHER = 1.9  # inches: the height of a panel of another sort
_RING = {"linestyle": "none", "marker": "o", "markersize": 7.5, "markerfacecolor": "none"}
Styles = Mapping[str, MethodStyle]


@dataclass(frozen=True)
class Panel:
    """One panel: the curves of one setting, with ``method``, ``base``, ``kind`` and ``status``.

    ``levels`` are lines for reference, ``places`` upright ones with what they mean, ``notes`` lines
    of small print under the title.
    """

    title: str
    curves: pd.DataFrame
    measure: Measure
    levels: Sequence[Level] = ()
    notes: Sequence[str] = ()
    places: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Path:
    """One curve as drawn: its points with ``at``, the columns of its measure, and ``ringed``."""

    look: MethodStyle
    learned: bool
    points: pd.DataFrame
    end: End


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
    columns, paths, ends = min(2, len(panels)), [], []
    for panel, pair in zip(panels, limits, strict=True):
        paths.append(_paths(panel, pair, styles))
        ends.append([*(path.end for path in paths[-1]), *_level_ends(panel, pair)])
    names = [name_width(shortened(end.name)) for each in ends for end in each if not end.side]
    tall = max(2.35 if columns == 2 else 3.0, LINE * (1 + max(map(len, ends))))
    heights = [tall] * -(-len(panels) // columns) + [_OTHER] * -(-len(others) // columns)
    grid = Grid(heights, columns, LEADER + 0.05 + max(names, default=0))
    exits = [
        1 + max((row for *_, row in in_rows(e, "above", grid.width)), default=-1) for e in ends
    ]
    rows = [count + len(panel.notes) for count, panel in zip(exits, panels, strict=True)]
    page, places = new_page(replace(grid, above=0.27 + LINE * max(rows)), legend, foot)
    for number, (panel, axes) in enumerate(zip(panels, places.flat, strict=False)):
        _draw_panel(axes, panel, paths[number], limits[number])
        label_ends(axes, ends[number])
        axes.set_ylabel("" if number % columns else panel.measure.label)
        under = 1 + (0.04 + LINE * exits[number]) / tall
        note = {"size": SIZE, "va": "bottom", "transform": axes.transAxes}
        axes.text(0, under, "\n".join(panel.notes), **note)
    for axes, draw in zip(places.flat[len(panels) :], others.values(), strict=False):
        draw(axes)
    titles = [*(panel.title for panel in panels), *others]
    letters = [f"({letter}) " for letter in _letters(len(titles))] if len(titles) > 1 else [""]
    raised = [*rows, *(0 for _ in others)]
    for axes, *title, lines in zip(places.flat, letters, titles, raised, strict=False):
        axes.set_title("".join(title), loc="left", weight="bold", pad=5 + 72 * LINE * lines)
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
        low, high = scales.value_limits(panel.curves, panel.measure)
        for level in panel.levels:
            if -0.5 < _height(level, panel.measure, (low, high)) < 1.5:
                low, high = min(low, level.value), max(high, level.value)
        ranges.append((low, high))
    return scales.shared(ranges, panels[0].measure.log)


def _height(level: Level, measure: Measure, limits: Limits) -> float:
    return float(scales.scaled(scales.drawn([level.value], measure.log), limits, measure.log)[0])


def _placed(panel: Panel) -> pd.DataFrame:
    """Return the rows that are drawn, with their place as ``at``."""
    rows = panel.curves.assign(at=panel.measure.places(panel.curves))
    return rows[rows["at"] > 0] if panel.measure.log else rows


def _paths(panel: Panel, limits: Limits, styles: Styles) -> list[_Path]:
    """Return the curves of a panel as they are to be drawn."""
    measure, rows, paths = panel.measure, _placed(panel), []
    xlim = scales.place_limits(rows["at"], measure.log)
    for method, curve in rows.groupby("method", sort=False):
        ringed = curve["iteration"] == curve[measure.ring] if measure.ring else False
        points = scales.thinned(curve, measure.spread) if measure.smooth else curve
        points = points[["at", *measure.spread]].assign(ringed=ringed).astype(float)
        middle = points[measure.median].to_numpy()
        y = scales.scaled(middle.clip(FLOOR) if measure.log else middle, limits, measure.log)
        x = scales.scaled(points["at"].to_numpy(), xlim, measure.log)
        lost = bool((curve["status"] != "converged").any())
        end = end_of(curve["base"].iloc[0], styles[method].colour, x, y, lost)
        paths.append(_Path(styles[method], curve["kind"].iloc[0] in LEARNED, points, end))
    return paths


def _level_ends(panel: Panel, limits: Limits) -> list[End]:
    """Return name and value of each level that is in the panel, for the right margin."""
    ends = []
    for level in panel.levels:
        if 0 <= (y := _height(level, panel.measure, limits)) <= 1:
            value, colour = panel.measure.number(level.value), str(level.look["color"])
            ends.append(End(value, colour, 1.0, y, leader=False))
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


def _draw_panel(axes: Axes, panel: Panel, paths: Sequence[_Path], limits: Limits) -> None:
    """Draw one panel, without title and names."""
    measure, log = panel.measure, panel.measure.log
    xlim = scales.place_limits(_placed(panel)["at"], log)
    scales.set_scales(axes, measure, xlim, limits)
    for number, path in enumerate(paths):
        at, order = path.points["at"].to_numpy(), 3 if path.learned else 2.5
        low, middle, high = (scales.drawn(path.points[column], log) for column in measure.spread)
        places = scales.marker_places(at, number, log)
        line = path.look.line() | {"zorder": order, "markevery": places}
        sns.lineplot(x=at, y=middle, ax=axes, estimator=None, legend=False, **line)
        if path.learned:
            axes.fill_between(at, low, high, color=path.look.colour, alpha=_BAND, linewidth=0)
        ringed, edge = path.points["ringed"] > 0, {"markeredgecolor": path.look.colour}
        axes.plot(at[ringed], middle[ringed], zorder=4, **_RING | edge)
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
    levels: Sequence[Level] = (),
    rings: str = "",
) -> dict[str, list[Artist]]:
    """Return the entries of the methods of ``curves`` by the heading of their kind, then reference.

    ``headings`` are those that are not the usual ones, ``rings`` what a ring means.
    """
    first, entries = curves.drop_duplicates("method"), {}
    for kind, heading in {**KIND_HEADINGS, **headings}.items():
        for _, row in first[first["kind"] == kind].iterrows():
            line = Line2D([], [], label=row["base"], **styles[row["method"]].line())
            entries.setdefault(heading, []).append(line)
    looks = {level.name: level.look for level in levels}
    looks |= {rings: _RING | {"markeredgecolor": "#444444"}} if rings else {}
    entries["Reference"] = [Line2D([], [], label=name, **look) for name, look in looks.items()]
    return entries
