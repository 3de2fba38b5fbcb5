"""Page 2 of Figure 6: every published method, ours against the paper's curve."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from l2o.figures import style
from l2o.figures.fig6_table import (
    FLOOR,
    READING,
    compared_iterations,
    fig6_table,
    loss_pair,
    power_of_ten,
    scientific,
    shifts,
)
from l2o.figures.loss_axes import (
    BOTTOM,
    CONVENTION,
    LOSS_LABEL,
    band,
    clipped,
    loss_limits,
    place_limits,
)
from l2o.figures.style import PRINT_WIDTH, MethodStyle

_DASHED = (0, (4, 1.5))
_STARTS = "ours, range over the random starts"
_PAIRS = "ours, middle half of all pairs of instance and start"
_KINDS = ("classical", "unrolled", "recurrent")


def overlay_page(
    curves: pd.DataFrame, reference: pd.DataFrame, titles: Mapping[str, str], note: str
) -> Figure:
    """Return a page with a small panel for each published method and setting.

    Methods run down the left half of the page, then down the right one; each has a panel per
    setting beside each other, with one y axis.

    Parameters
    ----------
    curves : rows of ``titles`` in ascending order of iteration; see
        :func:`l2o.figures.fig6.draw_fig6`
    reference : published curves of the same settings
    titles : heads of the columns, keyed by setting
    note : printed at the foot after the convention

    Raises
    ------
    InputError : see :func:`l2o.figures.fig6_table.fig6_table`.
    """
    table = fig6_table(curves, reference).set_index(["setting", "method", "variant"])
    kinds = curves.drop_duplicates("method").set_index("method")["kind"]
    methods = sorted(reference["method"].unique(), key=lambda name: _KINDS.index(kinds[name]))
    styles, rows = style.styles_for(methods), -(-len(methods) // 2)
    height = 2.25 + 1.4 * rows
    page = Figure((PRINT_WIDTH, height))
    heading, look = "Ours against the published curves", {"size": 9.5, "weight": "bold"}
    page.suptitle(heading, y=1 - 0.08 / height, va="top", **look)
    page.supylabel(LOSS_LABEL, x=0.006, size=8)
    for left, names in ((0.105, methods[:rows]), (0.602, methods[rows:])):
        if not names:
            continue
        place = {"left": left, "right": left + 0.39, "wspace": 0.07, "hspace": 0.14}
        place |= {"bottom": 1.6 / height, "top": 1 - 0.6 / height}
        grid = page.add_gridspec(rows, len(titles), **place).subplots(squeeze=False, sharey="row")
        for panels, method in zip(grid, names, strict=False):
            _row(panels, curves, reference, method, [*titles], styles[method])
            for axes, setting in zip(panels, titles, strict=True):
                _numbers(axes, table, setting, method)
        _finish(grid, len(names), titles)
        for axes in grid.flat:
            axes.set_xlim(place_limits(curves["iteration"]))
    style.plain_legend(page, _handles(), "", (0.04, 1.12 / height), 2)
    style.footnote(page, f"{_foot(table.reset_index())} {CONVENTION} {note}")
    return page


def _row(
    panels: np.ndarray,
    curves: pd.DataFrame,
    reference: pd.DataFrame,
    method: str,
    settings: list[str],
    look: MethodStyle,
) -> None:
    """Draw one method: a panel per setting (settings,), with one y axis."""
    ours, paper = (table[table["method"] == method] for table in (curves, reference))
    low, high = loss_limits(ours["relative_loss"], paper["relative_loss"], decades=1.5)
    panels[0].set(yscale="log", ylim=(low, high * (high / low) ** 0.28))  # room for the numbers
    panels[0].set_ylabel(ours["base"].iloc[0], size=7.5, weight="bold")
    for axes, setting in zip(panels, settings, strict=True):
        _overlay(axes, ours[ours["setting"] == setting], paper[paper["panel"] == setting], look)


def _overlay(axes: Axes, ours: pd.DataFrame, paper: pd.DataFrame, look: MethodStyle) -> None:
    """Draw one method in one setting."""
    axes.set_xscale("log")
    ours = ours.assign(at=ours["iteration"] + shifts(ours))
    ours = ours[ours["at"] > 0]
    solid = look.bare_line() | {"linestyle": "-"}
    main, drawn = (ours[ours["variant"] == variant] for variant in ("main", "as_drawn"))
    band(axes, main["at"], main["q25"], main["q75"], look.colour, 0.15)
    band(axes, main["at"], main["start_low"], main["start_high"], look.colour, 0.3)
    axes.plot(main["at"], clipped(main["relative_loss"]), **solid)
    axes.plot(drawn["at"], clipped(drawn["relative_loss"]), **solid | {"linestyle": _DASHED})
    read = paper.dropna(subset="relative_loss").sort_values("iteration")
    hollow = look.hollow_line() | {"marker": "o", "markersize": 3.6}
    axes.plot(read["iteration"], read["relative_loss"], **hollow, zorder=3)


def _numbers(axes: Axes, table: pd.DataFrame, setting: str, method: str) -> None:
    """Write the compared losses at the top of a panel; ``table`` is keyed by all three."""
    lines = []
    if (setting, method, "main") in table.index:
        lines.append(loss_pair(table.loc[(setting, method, "main")]))
    if (setting, method, "as_drawn") in table.index:
        drawn = table.loc[(setting, method, "as_drawn"), "relative_loss"]
        lines.append(f"as drawn: {scientific(drawn)}")
    look = {"size": 6, "ha": "right", "va": "top", "linespacing": 1.15}
    axes.text(0.97, 0.965, "\n".join(lines), transform=axes.transAxes, **look)


def _finish(grid: np.ndarray, used: int, titles: Mapping[str, str]) -> None:
    """Set heads, ticks and x labels of one half of the page (rows, settings)."""
    for column, setting in zip(grid.T, titles, strict=True):
        column[0].set_title(titles[setting], size=7.5, weight="bold")
        for row, axes in enumerate(column):
            if row >= used:
                axes.set_axis_off()
                continue
            axes.yaxis.set_major_locator(LogLocator(numticks=5))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(labelbottom=row == used - 1)
        column[used - 1].set_xlabel("Iteration")


def _handles() -> list[Artist]:
    """Return the legend entries, in grey."""
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
        Patch(color=grey.colour, alpha=0.4, linewidth=0, label=_STARTS),
        Patch(color=grey.colour, alpha=0.15, linewidth=0, label=_PAIRS),
    ]


def _foot(table: pd.DataFrame) -> str:
    """Return what the numbers are, how good the readings are, and what the axes leave out."""
    text = (
        f"Numbers: ours / published, at {compared_iterations(table)}. Most readings are good to "
        f"{READING}, some to 20 %."
    )
    if not (table["relative_loss"] < BOTTOM).any():
        return text
    return (
        f"{text} No axis goes below {power_of_ten(BOTTOM)}; values below {power_of_ten(FLOOR)} "
        "(rounding) are drawn as that."
    )
