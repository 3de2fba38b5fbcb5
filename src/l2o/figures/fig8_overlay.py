"""Page 2 of Figure 8: every published method, ours against the paper's curve."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures import overlay_grid, style
from l2o.figures.fig8_table import fig8_table
from l2o.figures.fig8_text import (
    LOSS_LABEL,
    explanation,
    listed_iterations,
    loss_pair,
    shown_iterations,
)
from l2o.figures.loss_axes import loss_limits, place_limits, plain_ticks
from l2o.figures.style import MethodStyle

_KINDS = ("classical", "recurrent")
_SPREADS = (("loss_low", "loss_high", 0.3),)  # columns, opacity
_START = {"color": "#A8A8A8", "linestyle": "-", "linewidth": 0.9}
_ROOM = 0.42  # for the numbers over the curves, as a part of the height of what is drawn
_HIGHEST = 10  # times the loss at the start: no axis shows more of a curve that diverged


def overlay_page(
    curves: pd.DataFrame,
    finals: pd.DataFrame,
    reference: pd.DataFrame,
    titles: Mapping[str, str],
    note: str,
) -> Figure:
    """Return a page with a small panel for each published method and network.

    All panels of a network have the same limits. Methods run down the left half of the page, then
    down the right one.

    Parameters
    ----------
    curves : rows of ``titles`` in ascending order of iteration, with ``base``; see
        :func:`l2o.figures.fig8.draw_fig8`
    finals : a row per setting and method
    reference : published curves of the same settings
    titles : heads of the columns, keyed by setting
    note : printed at the foot

    Raises
    ------
    InputError : see :func:`l2o.figures.fig8_table.fig8_table`.
    """
    table = fig8_table(curves, reference, finals)
    first = curves.drop_duplicates("method").set_index("method")
    published = reference["method"].unique()
    methods = sorted(published, key=lambda name: _KINDS.index(first.loc[name, "kind"]))
    styles, rows = style.styles_for(methods), -(-len(methods) // 2)
    limits = {setting: _limits(curves, reference, setting) for setting in titles}
    page = overlay_grid.overlay_figure(rows, LOSS_LABEL)
    for grid, here in overlay_grid.overlay_grids(page, rows, methods, len(titles), False, 0.27):
        for panels, method in zip(grid, here, strict=False):
            panels[0].set_ylabel(first.loc[method, "base"], size=7.5, weight="bold")
            for axes, setting in zip(panels, titles, strict=True):
                mine = curves["method"].eq(method) & curves["setting"].eq(setting)
                paper = reference["method"].eq(method) & reference["panel"].eq(setting)
                axes.set(yscale="log", ylim=limits[setting])
                _overlay(axes, curves[mine], reference[paper], styles[method])
                compared = table["method"].eq(method) & table["setting"].eq(setting)
                overlay_grid.numbers(axes, _numbers(table[compared]), style.BOX)
        overlay_grid.finish(grid, len(here), titles)
        for axes in grid[: len(here)].flat:
            axes.set_xlim(place_limits(curves["iteration"]))
            plain_ticks(axes)
            axes.tick_params(axis="y", labelsize=6, pad=2)
    overlay_grid.put_legend(page, _handles())
    foot = f"Numbers: loss, ours / published, after {listed_iterations(table)}."
    style.footnote(page, f"{foot} {explanation(table, titles)} {note}")
    return page


def _limits(curves: pd.DataFrame, reference: pd.DataFrame, setting: str) -> tuple[float, float]:
    """Return limits for all panels of a network, with room for the numbers."""
    paper = reference[reference["panel"] == setting]
    here = curves[(curves["setting"] == setting) & curves["method"].isin(paper["method"])]
    low, high = shown_limits(here, paper["loss"])
    return low, high * (high / low) ** _ROOM


def shown_limits(curves: pd.DataFrame, *others: pd.Series) -> tuple[float, float]:
    """Return limits of a log axis for one network: all that converged, and ``others``.

    Of what diverged it shows losses up to 10 times the largest one at the start.
    """
    start = curves.loc[curves["iteration"] == 0, "loss"].max()
    converged = curves["status"] == "converged"
    columns = [curves["loss"], curves["loss_low"], curves["loss_high"]]
    shown = [column.where(converged | (column <= _HIGHEST * start)) for column in columns]
    return loss_limits(*shown, *others, margin=1.25)


def _overlay(axes: Axes, ours: pd.DataFrame, paper: pd.DataFrame, look: MethodStyle) -> None:
    """Draw one method on one network."""
    start = ours.loc[ours["iteration"] == 0, "loss"]
    for loss in start:
        axes.axhline(loss, **_START)
    overlay_grid.ours(axes, ours, "loss", look, _SPREADS)
    read = paper.dropna(subset="loss").sort_values("iteration")
    hollow = look.hollow_line() | {"marker": "o", "markersize": 3.6}
    axes.plot(read["iteration"], read["loss"], **hollow, zorder=3)


def _numbers(table: pd.DataFrame) -> list[str]:
    """Return the compared losses of a panel in lines."""
    keyed = table.set_index("iteration")
    return [f"{i:,}: {loss_pair(keyed.loc[i])}" for i in shown_iterations(table)]


def _handles() -> list[Artist]:
    """Return the legend entries, in grey."""
    ours, _, published, spread = overlay_grid.handles({"ours, range over the runs": 0.3})
    ours.set_label("ours, mean over the runs")
    return [ours, published, spread, Line2D([], [], label="ours at the start", **_START)]
