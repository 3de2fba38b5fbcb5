"""Where lines end: names in the right margin, moved apart, and words where a line leaves a panel.

All places are parts of a panel's width and height, so that nothing has to be rendered first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.textpath import TextPath

from l2o.figures.style import BOX, ink

SIZE = 6.0  # points: of the names
LINE = 0.094  # inches from one name to the next
LEADER = 0.13  # inches between a panel and its names
_LONGEST = 18  # characters of a name; the legend has the whole
_ROWS = 4  # of names of lines that leave a panel on one side
_EDGES = {"above": "↑ ", "below": "↓ "}


@dataclass(frozen=True)
class End:
    """The end of a line: its name, where it is last seen, and on which side it left the panel.

    ``side`` is "" for a line that ends in the panel, else above or below; ``leader``: whether a
    thin line leads to the name.
    """

    name: str
    colour: str
    x: float
    y: float
    side: str = ""
    leader: bool = True


def end_of(name: str, colour: str, x: np.ndarray, y: np.ndarray, diverged: bool) -> End:
    """Return how a line ends.

    Parameters
    ----------
    name, colour : of the line
    x, y : its points (points,) as parts of the panel; NaN or infinite: not finite
    diverged : the curve is known to have diverged
    """
    seen = np.flatnonzero((y >= 0) & (y <= 1))
    if len(seen) and seen[-1] == len(y) - 1:
        return End(name, colour, x[-1], y[-1])
    last = seen[-1] if len(seen) else -1
    following = y[last + 1] if len(y) else np.nan
    side, edge = ("below", 0.0) if following < 0 else ("above", 1.0)
    if diverged and side == "above":
        name = f"{name} diverges"
    at = max(x[last], 0.0) if len(seen) else 0.0
    if len(seen) and np.isfinite(following):  # where the line crosses the edge
        at += (x[last + 1] - at) * (edge - y[last]) / (following - y[last])
    return End(name, colour, float(at), edge, side)


@lru_cache(maxsize=1024)
def name_width(name: str, size: float = SIZE) -> float:
    """Return the inches that a text takes."""
    return float(TextPath((0, 0), name, size=size).get_extents().width) / 72 if name.strip() else 0


def shortened(name: str) -> str:
    """Return a name as the margin shows it."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def moved_apart(wanted: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Return the places nearest to ``wanted`` (labels,) that are ``gap`` apart and in the limits.

    Least squares under an order: the labels keep the order of what they name.
    """
    wanted = np.asarray(wanted, float)
    order, steps = np.argsort(wanted, kind="stable"), gap * np.arange(len(wanted))
    blocks: list[tuple[float, int]] = []  # mean and size of labels that touch
    for value in wanted[order] - steps:
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean, size), (before, count) = blocks.pop(), blocks.pop()
            blocks.append(((mean * size + before * count) / (size + count), size + count))
    fitted = np.array([mean for mean, size in blocks for _ in range(size)])
    places = np.empty(len(wanted))
    places[order] = np.clip(fitted, low, max(low, high - steps[-1:].sum())) + steps
    return places


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Write the name of every line: in the margin where it ends, or where it leaves the panel.

    The names of lines that leave are outside of the panel above, and inside below, where ticks are.
    """
    place, page = axes.get_position(), axes.figure.get_size_inches()
    width, height = place.width * page[0], place.height * page[1]
    inside = [end for end in ends if not end.side]
    places = moved_apart([end.y for end in inside], LINE / height, 0.0, 1.0)
    right, look = 1 + LEADER / width, {"size": SIZE, "transform": axes.transAxes, "zorder": 6}
    for end, place in zip(inside, places, strict=True):
        if end.leader:
            path = [end.x, max(end.x, 1.0), right - 0.02 / width], [end.y, end.y, place]
            line = {"color": end.colour, "linewidth": 0.5, "alpha": 0.8, "zorder": 1.9}
            axes.plot(*path, transform=axes.transAxes, clip_on=False, **line)
        axes.text(right, place, shortened(end.name), va="center", color=ink(end.colour), **look)
    for side, arrow in _EDGES.items():
        for end, left, row in in_rows(ends, side, width):
            y = float(side == "above") + (0.03 + row * LINE) / height
            box = {"bbox": BOX | {"pad": 0.5}} if side == "below" else {}
            axes.text(left, y, arrow + end.name, va="bottom", color=ink(end.colour), **box, **look)


def in_rows(ends: Sequence[End], side: str, width: float) -> list[tuple[End, float, int]]:
    """Return where the names of lines that leave on a side go, none on another.

    For each, with the end: where it begins (a part of ``width``, that of the panel in inches), and
    its row, counted away from the edge. Names that would take a fifth row are only counted.
    """
    placed, taken, left_out = [], [], []  # taken: where the last name of each row ends
    for end in sorted((end for end in ends if end.side == side), key=lambda end: end.x):
        length = (name_width(_EDGES[side] + end.name) + 0.08) / width
        left = min(end.x, max(0.0, 1 - length))
        row = next((i for i, full in enumerate(taken) if full <= left), len(taken))
        if row == _ROWS:
            left_out.append(end)
            continue
        taken[row : row + 1] = [left + length]
        placed.append((end, left, row))
    if left_out:
        more = replace(left_out[0], name=f"and {len(left_out)} more", colour="#000000")
        placed.append((more, min(left_out[0].x, 0.8), _ROWS))
    return placed
