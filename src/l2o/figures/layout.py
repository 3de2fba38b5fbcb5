"""Pages: rows of panels over a legend that wraps and a foot; the page grows as it needs to."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from l2o.figures.endings import name_width
from l2o.figures.style import PRINT_WIDTH, SMALL

LEFT, RIGHT = 0.58, 0.16  # inches from the edges of the page to the panels
_UNDER = 0.46  # inches under a row of panels: ticks and the label of the axis
_SPLIT = 0.2  # inches between the halves of a page, besides
_ENTRY, _BETWEEN = 0.15, 0.06  # inches: a row of a legend, and between its groups
_HANDLE, _GAP = 0.34, 0.16  # inches: the line of an entry, and from one entry to the next
_FONT = 7.5  # points: of the entries
_LEADING = 0.112  # inches: a line of the foot
_CHARACTERS = 136  # of a line of the foot
_LEGEND = {"frameon": False, "borderpad": 0, "borderaxespad": 0, "handlelength": 2.6}
_LEGEND |= {"handletextpad": 0.6, "columnspacing": 1.1, "labelspacing": 0.35, "fontsize": _FONT}
Legend = Mapping[str, Sequence[Artist]]  # entries by the heading of their group


@dataclass(frozen=True)
class PanelGrid:
    """How panels lie on a page, in inches.

    Parameters
    ----------
    heights : of each row of panels, without titles and labels
    columns : count of panels in a row
    margin : right of each panel, for the names of lines
    above : over each panel, for its title
    between : left of each panel but the first, for its ticks and label
    under : between a row of panels and the next
    split : number of the column that begins the right half of a page; 0: there are no halves
    """

    heights: Sequence[float]
    columns: int
    margin: float = 0.0
    above: float = 0.3
    between: float = 0.42
    under: float = _UNDER
    split: int = 0

    @property
    def width(self) -> float:
        """The width of a panel."""
        free = PRINT_WIDTH - LEFT - RIGHT - (self.columns - 1) * self.between
        return (free - _SPLIT * bool(self.split)) / self.columns - self.margin

    def left(self, column: int) -> float:
        """Return where the panels of a column begin, from the left edge of the page."""
        halves = _SPLIT if 0 < self.split <= column else 0.0
        return LEFT + column * (self.width + self.margin + self.between) + halves


def new_page(
    grid: PanelGrid, legend: Legend, foot: str, head: float = 0.0
) -> tuple[Figure, np.ndarray]:
    """Return a page and its panels (rows, columns), with legend and foot.

    ``head`` inches are left free at the top.
    """
    legend = {name: entries for name, entries in legend.items() if entries}
    text, rows = textwrap.fill(foot, _CHARACTERS), len(grid.heights)
    below = 0.22 + _LEADING * (text.count("\n") + 1) + _legend_height(legend)
    height = head + below + sum(grid.heights) + rows * (grid.above + grid.under)
    height += _UNDER - grid.under
    page, top = Figure((PRINT_WIDTH, height)), height - head
    panels = np.empty((rows, grid.columns), object)
    for row, tall in enumerate(grid.heights):
        top -= grid.above + tall
        for column in range(grid.columns):
            place = np.array([grid.left(column), top, grid.width, tall])
            panels[row, column] = page.add_axes(place / np.array([PRINT_WIDTH, height] * 2))
        top -= grid.under
    _place_legend(page, legend, below - 0.12)
    page.text(0.01, 0.06 / height, text, size=SMALL, va="bottom", linespacing=1.2)
    return page, panels


def unbroken(text: str, width: int) -> str:
    """Return a title broken into lines, but not inside of brackets nor at "="."""
    kept = re.sub(r" = | (?=[^()]*\))", lambda found: found[0].replace(" ", "\u00a0"), text)
    return textwrap.fill(kept, width)


def _heading_width(legend: Legend) -> float:
    return max((name_width(name, SMALL) for name in legend), default=0.0) + 0.18


def _columns(legend: Legend) -> int:
    """Return how many entries of a legend fit beside each other."""
    names = [entry.get_label() for entries in legend.values() for entry in entries]
    entry = max((name_width(name, _FONT) for name in names), default=0.0) + _HANDLE + _GAP
    return max(1, int((PRINT_WIDTH - LEFT - RIGHT - _heading_width(legend)) / entry))


def _legend_height(legend: Legend) -> float:
    columns = _columns(legend)
    return sum(_ENTRY * -(-len(e) // columns) + _BETWEEN for e in legend.values())


def _place_legend(page: Figure, legend: Legend, top: float) -> None:
    """Put the groups of a legend under each other, ``top`` inches from the foot of the page."""
    height, columns, wide = page.get_figheight(), _columns(legend), _heading_width(legend)
    for name, entries in legend.items():
        page.text(LEFT / PRINT_WIDTH, (top - 0.065) / height, name, size=SMALL, va="center")
        used = min(columns, len(entries))
        in_rows = [entry for column in range(used) for entry in entries[column::used]]
        corner = (LEFT + wide) / PRINT_WIDTH, (top - 0.01) / height
        page.legend(handles=in_rows, ncols=used, loc="upper left", bbox_to_anchor=corner, **_LEGEND)
        top -= _ENTRY * -(-len(entries) // columns) + _BETWEEN
