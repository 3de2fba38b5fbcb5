"""Page 2 of Figure 6: every published method, ours against the paper's curve."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from l2o.figures import overlay_grid, style
from l2o.figures.common import VARIANTS, compared_iterations
from l2o.figures.fig6_table import CONVENTION, LOSS_LABEL, READING, fig6_table, loss_pair
from l2o.figures.loss_axes import BOTTOM, loss_limits, place_limits
from l2o.figures.numbers import FLOOR, power_of_ten, scientific
from l2o.figures.style import MethodStyle

_SPREADS = (("q25", "q75", 0.15), ("start_low", "start_high", 0.3))  # columns, opacity
_SHADES = {  # as dark as they lie over each other
    "ours, range over the random starts": 0.4,
    "ours, middle half of all pairs of instance and start": 0.15,
}
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
    page = overlay_grid.overlay_figure(rows, LOSS_LABEL)
    for grid, names in overlay_grid.overlay_grids(page, rows, methods, len(titles), "row", 0.07):
        for panels, method in zip(grid, names, strict=False):
            _row(panels, curves, reference, method, [*titles], styles[method])
            for axes, setting in zip(panels, titles, strict=True):
                overlay_grid.numbers(axes, _compared(table, setting, method))
        overlay_grid.finish(grid, len(names), titles)
        for axes in grid[: len(names)].flat:
            axes.yaxis.set_major_locator(LogLocator(numticks=5))
        for axes in grid.flat:
            axes.set_xlim(place_limits(curves["iteration"]))
    overlay_grid.put_legend(page, overlay_grid.handles(_SHADES))
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
    overlay_grid.ours(axes, ours, "relative_loss", look, _SPREADS)
    read = paper.dropna(subset="relative_loss").sort_values("iteration")
    hollow = look.hollow_line() | {"marker": "o", "markersize": 3.6}
    axes.plot(read["iteration"], read["relative_loss"], **hollow, zorder=3)


def _compared(table: pd.DataFrame, setting: str, method: str) -> list[str]:
    """Return the compared losses of a panel in lines; ``table`` is keyed by all three."""
    keys = [(setting, method, variant) for variant in VARIANTS]
    texts = (loss_pair, lambda row: f"as drawn: {scientific(row['relative_loss'])}")
    pairs = zip(keys, texts, strict=True)
    return [text(table.loc[key]) for key, text in pairs if key in table.index]


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
