"""Pages of small multiples: lines over a few values, which are evenly spaced and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l2o.figures.layout import PanelGrid, new_page, unbroken
from l2o.figures.style import MethodStyle
from l2o.kinds import LEARNED

GUARDED = "safeguarded"  # variant of a learned method

COLUMNS = 3
_HEIGHT = 1.65  # inches of a panel
_TITLE = 34  # characters of a line of a title
_HOME = {"color": "#BBBBBB", "linewidth": 4.0, "zorder": 1.5, "solid_capstyle": "butt"}


@dataclass(frozen=True)
class Line:
    """A line: its values (ticks,), NaN where there is none, and keywords of ``Axes.plot``."""

    values: Sequence[float]
    look: Mapping[str, Any]


@dataclass(frozen=True)
class Multiple:
    """A panel: its lines, the names of the values below, and which of these is marked."""

    title: str
    lines: Sequence[Line]
    ticks: Sequence[str]
    marked: int
    xlabel: str


def multiples_page(
    panels: Sequence[Multiple],
    ylabel: str,
    ylim: tuple[float, float],
    legend: Mapping[str, Sequence[Artist]],
    foot: str,
) -> Figure:
    """Return a page with three panels in a row, all over the same range of values."""
    columns, titles = min(COLUMNS, len(panels)), [_title(*each) for each in enumerate(panels)]
    above = 0.16 + 0.14 * (1 + max(title.count("\n") for title in titles))
    grid = PanelGrid([_HEIGHT] * -(-len(panels) // columns), columns, above=above)
    page, places = new_page(grid, legend, foot)
    for number, axes in enumerate(places.flat):
        if number >= len(panels):
            axes.set_axis_off()
            continue
        _draw(axes, panels[number], ylim)
        axes.set_title(titles[number], loc="left", weight="bold", size=7.5, linespacing=1.05)
        axes.set_ylabel("" if number % columns else ylabel)
    return page


def _title(number: int, panel: Multiple) -> str:
    letter = chr(ord("a") + number % 26) * (1 + number // 26)
    return unbroken(f"({letter}) {panel.title}", _TITLE)


def _draw(axes: Axes, panel: Multiple, ylim: tuple[float, float]) -> None:
    places = range(len(panel.ticks))
    axes.axvline(panel.marked, **_HOME)
    for line in panel.lines:
        axes.plot(places, line.values, **line.look)
    axes.set(xlim=(-0.25, len(places) - 0.75), ylim=ylim, xlabel=panel.xlabel)
    axes.set_xticks(places, panel.ticks)
    axes.tick_params(labelsize=6.5, pad=2)


def variant_look(style: MethodStyle, kind: str, variant: str) -> dict[str, Any]:
    """Return keywords of ``Axes.plot`` of a method; dotted and hollow with the safeguard."""
    look = style.line() | {"zorder": 3 if kind in LEARNED else 2.5}
    if variant == GUARDED:
        hollow = {"markerfacecolor": "white", "markeredgecolor": style.colour}
        look |= {"linestyle": ":", "markeredgewidth": 0.8, **hollow}
    return look
