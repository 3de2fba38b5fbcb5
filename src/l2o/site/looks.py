"""How a method looks in the explorer: the colour, the dashes and the marker of the figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from l2o.figures.style import MethodStyle

_SYMBOLS: Mapping[Any, str] = {  # of Plotly, by marker of Matplotlib
    **{"o": "circle", "s": "square", "^": "triangle-up", "v": "triangle-down", "D": "diamond"},
    **{"P": "cross", "X": "x", "<": "triangle-left", ">": "triangle-right", "d": "diamond-tall"},
    **{"+": "cross-thin-open", "x": "x-thin-open", "|": "line-ns-open", "_": "line-ew-open"},
    **{"1": "y-down-open", "2": "y-up-open", "3": "y-left-open", "4": "y-right-open"},
    **{(8, 2, 0.0): "asterisk-open", (6, 2, 0.0): "hash-open"},
    **{(5, 2, 0.0): "star-open", (7, 2, 0.0): "hexagram-open", (10, 2, 0.0): "star-square-open"},
    **{(5, 2, 36.0): "circle-cross-open", (6, 2, 30.0): "circle-x-open"},
    **{(7, 2, 25.0): "square-cross-open", (8, 2, 22.5): "square-x-open"},
    **{(9, 2, 0.0): "diamond-cross-open", (11, 2, 0.0): "diamond-x-open"},
    **{(12, 2, 0.0): "bowtie-open", (4, 1, 45.0): "hourglass", (12, 1, 0.0): "star-triangle-down"},
    **{4: "arrow-left", 5: "arrow-right", 6: "arrow-up", 7: "arrow-down"},  # carets
    **{"*": "star", "h": "hexagon", "H": "hexagon2", "p": "pentagon", "8": "octagon"},
    **{(3, 1, 60.0): "hexagram-dot", (5, 2, 18.0): "circle-dot", (6, 2, 15.0): "square-dot"},
    **{(7, 2, 12.0): "diamond-dot", (8, 2, 11.0): "triangle-up-dot"},
    **{(9, 2, 20.0): "triangle-down-dot"},
    **{(5, 2, 8.0): "triangle-up-open", (6, 2, 8.0): "triangle-down-open"},
    **{(7, 2, 6.0): "triangle-left-open", (8, 2, 5.0): "triangle-right-open"},
    **{(5, 0, 0.0): "bowtie", (6, 0, 0.0): "star-triangle-up-dot"},
    **{(8, 0, 22.5): "star-triangle-down-dot"},
    **{(5, 2, 27.0): "triangle-left-dot", (6, 2, 22.0): "triangle-right-dot"},
    **{(7, 2, 19.0): "pentagon-open", (8, 2, 17.0): "hexagon-open", (9, 2, 10.0): "octagon-open"},
    **{(5, 1, 36.0): "star-dot", (7, 1, 0.0): "star-square-dot", (8, 1, 0.0): "star-diamond-dot"},
    **{(4, 0, 22.5): "diamond-wide", (3, 0, 20.0): "triangle-ne", (7, 0, 0.0): "octagon-dot"},
    **{(5, 0, 36.0): "pentagon-dot", (6, 0, 30.0): "hexagon2-dot", (8, 0, 0.0): "diamond-wide-dot"},
    **{(9, 0, 0.0): "triangle-se", (3, 0, 50.0): "triangle-sw", (4, 0, 10.0): "triangle-nw"},
    **{(5, 1, 0.0): "star-square", (9, 1, 0.0): "cross-dot", (10, 1, 0.0): "x-dot"},
    **{(6, 1, 20.0): "hexagon-dot", (7, 0, 25.0): "diamond-tall-dot", (10, 0, 0.0): "square-open"},
    **{(5, 2, 3.0): "circle-open", (6, 2, 3.0): "diamond-open", (7, 2, 3.0): "x-open"},
    **{(3, 0, 90.0): "triangle-ne-dot", (4, 0, 35.0): "triangle-nw-dot"},
    **{(9, 0, 20.0): "triangle-se-dot"},
    **{(4, 1, 0.0): "star-diamond", (3, 1, 0.0): "star-triangle-up", (6, 1, 0.0): "hexagram"},
}
_OPEN = "-open"  # ends the symbols that consist of lines only
_PENS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


def look(style: MethodStyle) -> dict[str, Any]:
    """Return colour, dash pattern, width and symbol for Plotly, and the marker as an SVG path.

    The path lies within -1 to 1. A marker without a symbol of its own gets a star.
    """
    symbol = "" if style.marker is None else _SYMBOLS.get(style.marker, "star-square")
    dashes = "" if style.dashes == "-" else _dashes(style)
    return {
        "colour": style.colour,
        "dash": dashes or "solid",
        "width": style.width,
        "symbol": symbol,
        "open": symbol.endswith(_OPEN),
        "path": "" if style.marker is None else _svg(style.marker),
    }


def _dashes(style: MethodStyle) -> str:
    """Return the dash pattern in pixels; ":" stands for dots."""
    if style.dashes == ":":
        return "dot"
    _, lengths = style.dashes
    return ",".join(f"{1.2 * length * style.width:.3g}px" for length in lengths)


def _svg(marker: Any) -> str:
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform())
    size = max(float(np.abs(path.vertices).max()), 1e-9)
    words = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        if code == Path.CLOSEPOLY:
            words.append("Z")
        else:
            numbers = [f"{x / size:.3g} {-y / size:.3g}" for x, y in points.reshape(-1, 2)]
            words.append(_PENS[code] + " ".join(numbers))
    return "".join(words)
