"""Pages that set every published method against ours: a small panel per method and setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from l2o.figures import style
from l2o.figures.common import shifts
from l2o.figures.loss_axes import band, clipped
from l2o.figures.style import PRINT_WIDTH, MethodStyle

_DASHED = (0, (4, 1.5))


def overlay_figure(rows: int, ylabel: str) -> Figure:
    """Return a page for ``rows`` rows of panels, with its heading and one label of the y axes."""
    height = 2.25 + 1.4 * rows
    page = Figure((PRINT_WIDTH, height))
    heading, look = "Ours against the published curves", {"size": 9.5, "weight": "bold"}
    page.suptitle(heading, y=1 - 0.08 / height, va="top", **look)
    page.supylabel(ylabel, x=0.006, size=8)
    return page


def overlay_grids(
    page: Figure, rows: int, methods: Sequence[str], columns: int, share: str | bool, between: float
) -> Iterator[tuple[np.ndarray, Sequence[str]]]:
    """Yield the panels (rows, columns) of each half of the page, with the methods of the rows.

    Methods run down the left half, then down the right one. ``share`` says which panels have one
    y axis, as ``sharey`` of Matplotlib; ``between`` is the space between two of a row, in widths of
    a panel.
    """
    height = page.get_figheight()
    for left, names in ((0.105, methods[:rows]), (0.602, methods[rows:])):
        if not names:
            continue
        place = {"left": left, "right": left + 0.39, "wspace": between, "hspace": 0.14}
        place |= {"bottom": 1.6 / height, "top": 1 - 0.6 / height}
        grid = page.add_gridspec(rows, columns, **place).subplots(squeeze=False, sharey=share)
        yield grid, names


def ours(
    axes: Axes,
    curves: pd.DataFrame,
    column: str,
    look: MethodStyle,
    spreads: Sequence[tuple[str, str, float]],
) -> None:
    """Draw our curves of one method in one setting: main solid, as_drawn dashed.

    Parameters
    ----------
    axes : one panel
    curves : rows in ascending order of iteration, drawn where the paper counts them
    column : name of the losses
    look : of the method
    spreads : ranges to shade: name of the lower and of the upper column, and how opaque
    """
    axes.set_xscale("log")
    curves = curves.assign(at=curves["iteration"] + shifts(curves))
    curves = curves[curves["at"] > 0]
    solid = look.bare_line() | {"linestyle": "-"}
    main, drawn = (curves[curves["variant"] == variant] for variant in ("main", "as_drawn"))
    for low, high, alpha in spreads:
        band(axes, main["at"], main[low], main[high], look.colour, alpha)
    axes.plot(main["at"], clipped(main[column]), **solid)
    axes.plot(drawn["at"], clipped(drawn[column]), **solid | {"linestyle": _DASHED})


def numbers(axes: Axes, lines: Sequence[str], box: Mapping[str, Any] | None = None) -> None:
    """Write what is compared at the top of a panel; ``box`` is what lies behind the text."""
    look = {"size": 6, "ha": "right", "va": "top", "linespacing": 1.15, "bbox": box}
    axes.text(0.97, 0.965, "\n".join(lines), transform=axes.transAxes, **look)


def finish(grid: np.ndarray, used: int, titles: Mapping[str, str]) -> None:
    """Set heads, x ticks and x labels of one half of the page (rows, settings)."""
    for column, setting in zip(grid.T, titles, strict=True):
        column[0].set_title(titles[setting], size=7.5, weight="bold")
        for row, axes in enumerate(column):
            if row >= used:
                axes.set_axis_off()
                continue
            axes.yaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(labelbottom=row == used - 1)
        column[used - 1].set_xlabel("Iteration")


def handles(spreads: Mapping[str, float]) -> list[Artist]:
    """Return the legend entries, in grey; ``spreads`` says how opaque each shade is."""
    grey = MethodStyle("#444444", "o")
    return [
        Line2D([], [], label="ours, settings of the paper's text", **grey.bare_line()),
        Line2D(
            [],
            [],
            label="ours, settings that reproduce the published curve (“as drawn”)",
            **grey.bare_line() | {"linestyle": _DASHED},
        ),
        Line2D([], [], label="published, read off the paper's figure", **grey.hollow_line()),
        *(
            Patch(color=grey.colour, alpha=alpha, linewidth=0, label=label)
            for label, alpha in spreads.items()
        ),
    ]


def put_legend(page: Figure, entries: Sequence[Artist]) -> None:
    """Put the entries below the panels, in two columns."""
    style.plain_legend(page, entries, "", (0.04, 1.12 / page.get_figheight()), 2)
