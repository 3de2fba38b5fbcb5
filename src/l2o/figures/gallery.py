"""A page of pictures: a row for each case, each picture over a zoom and the map of its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from l2o.figures.style import PRINT_WIDTH, SMALL

ERROR = 0.2  # of the range of grey: where the map of errors is darkest
_LEFT, _BETWEEN, _TITLE, _TOP = 0.24, 0.05, 0.26, 0.1  # inches


@dataclass(frozen=True)
class Shown:
    """A picture on the page: (height, width) from 0 to 1, and the words under its heading."""

    picture: np.ndarray
    words: str = ""


def gallery_page(
    rows: Mapping[str, Sequence[Shown]],
    columns: Sequence[str],
    zooms: Mapping[str, tuple[int, int, int]],
    text: str,
) -> Figure:
    """Return the page.

    Parameters
    ----------
    rows : by title, the pictures of a row; the first one is the original
    columns : headings of the pictures in a row
    zooms : by title of a row, what is shown larger: its top, left and side, in pixels
    text : the foot

    Of each picture but the original, the map of errors |restored - original| is drawn besides,
    black where it is at least :data:`ERROR`.
    """
    side = (PRINT_WIDTH - _LEFT - 0.05 - (len(columns) - 1) * _BETWEEN) / len(columns)
    # Two lines of a row: the picture; its zoom beside its errors, each half as wide.
    row_height = _TITLE + side + _BETWEEN + side / 2 + 0.12
    foot = 0.13 * (text.count("\n") + 1) + 0.12
    height = _TOP + row_height * len(rows) + foot
    page = Figure(figsize=(PRINT_WIDTH, height))
    top = height - _TOP
    for title, shown in rows.items():
        place = (top - _TITLE - side / 2) / height
        page.text(0.06 / PRINT_WIDTH, place, title, rotation=90, size=8, ha="left", va="center")
        for number, one in enumerate(shown):
            left = _LEFT + number * (side + _BETWEEN)
            heading = "\n".join(filter(None, (columns[number], one.words)))
            middle = (left + side / 2) / PRINT_WIDTH
            page.text(middle, (top - _TITLE + 0.02) / height, heading, size=SMALL, ha="center")
            down = top - _TITLE - side
            corner, half = zooms[title], (side - _BETWEEN) / 2
            whole = _axes(page, left, down, side, one.picture)
            _mark(whole, corner)
            down -= half + _BETWEEN
            y, x, size = corner
            _axes(page, left, down, half, one.picture[y : y + size, x : x + size])
            if number:
                error = np.abs(np.clip(one.picture, 0, 1) - shown[0].picture)
                _axes(page, left + half + _BETWEEN, down, half, 1 - error / ERROR)
        top -= row_height
    page.text(0.01, 0.05 / height, text, size=SMALL, va="bottom", linespacing=1.2)
    return page


def _axes(page: Figure, left: float, down: float, side: float, picture: np.ndarray):
    """Draw a picture into a square, in inches from the corner of the page."""
    width, height = page.get_size_inches()
    axes = page.add_axes((left / width, down / height, side / width, side / height))
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    return axes


def _mark(axes, corner: tuple[int, int, int]) -> None:
    y, x, size = corner
    for colour, width in (("black", 1.4), ("white", 0.7)):  # seen on dark and on light grounds
        frame = (x - 0.5, y - 0.5), size, size
        axes.add_patch(Rectangle(*frame, fill=False, edgecolor=colour, linewidth=width))


def liveliest(picture: np.ndarray, size: int) -> tuple[int, int, int]:
    """Return the corner and side of the window of a picture with the highest variance.

    Windows begin at multiples of half their side.
    """
    step = max(1, size // 2)
    tops = range(0, picture.shape[0] - size + 1, step)
    lefts = range(0, picture.shape[1] - size + 1, step)
    best = max(
        (float(picture[y : y + size, x : x + size].var()), -y, -x) for y in tops for x in lefts
    )
    return -best[1], -best[2], size
