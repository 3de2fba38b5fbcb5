"""Page 2 of Figure 7: every published method, ours against the paper's curve."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures import overlay_grid, style
from l2o.figures.common import VARIANTS, compared_iterations
from l2o.figures.fig7_table import (
    CONVENTION,
    LOSS_LABEL,
    ORACLE,
    explanation,
    fig7_table,
    gap_pair,
    ours_text,
)
from l2o.figures.loss_axes import loss_limits, place_limits, plain_ticks
from l2o.figures.style import STYLES, MethodStyle

_KINDS = ("classical", "population", "recurrent")
_STARTS = "ours, range over the random starts"
_SPREADS = (("loss_low", "loss_high", 0.3),)  # columns, opacity
_ESTIMATE = {"linestyle": "none", "marker": "s", "markersize": 4.4, "markerfacecolor": "none"}
_ESTIMATE |= {"markeredgecolor": "#8C8C8C", "markeredgewidth": 0.9}


def overlay_page(
    curves: pd.DataFrame,
    oracles: pd.DataFrame,
    reference: pd.DataFrame,
    titles: Mapping[str, str],
    note: str,
) -> Figure:
    """Return a page with a small panel for each published method and setting.

    All panels of a setting have the same limits. Methods run down the left half of the page, then
    down the right one.

    Parameters
    ----------
    curves : rows of ``titles`` in ascending order of iteration, with ``base``; see
        :func:`l2o.figures.fig7.draw_fig7`
    oracles : a row per setting
    reference : published curves of the same settings
    titles : heads of the columns, keyed by setting
    note : printed at the foot

    Raises
    ------
    InputError : see :func:`l2o.figures.fig7_table.fig7_table`.
    """
    table = fig7_table(curves, reference, oracles)
    kinds = curves.drop_duplicates("method").set_index("method")["kind"]
    methods = sorted(reference["method"].unique(), key=lambda name: _KINDS.index(kinds[name]))
    styles, rows = style.styles_for(methods), -(-len(methods) // 2)
    names = curves.drop_duplicates("method").set_index("method")["base"]
    keyed, oracle = table.set_index(["setting", "method", "variant"]), oracles.set_index("setting")
    limits = {setting: _limits(curves, oracle, reference, setting) for setting in titles}
    page = overlay_grid.overlay_figure(rows, LOSS_LABEL)
    for grid, here in overlay_grid.overlay_grids(page, rows, methods, len(titles), False, 0.27):
        for panels, method in zip(grid, here, strict=False):
            panels[0].set_ylabel(names[method], size=7.5, weight="bold")
            for axes, setting in zip(panels, titles, strict=True):
                mine = curves["method"].eq(method) & curves["setting"].eq(setting)
                paper = reference["method"].eq(method) & reference["panel"].eq(setting)
                axes.set(yscale="log", ylim=limits[setting])
                axes.axhline(oracle.loc[setting, "oracle"], **STYLES["oracle"].line())
                _overlay(axes, curves[mine], reference[paper], styles[method])
                overlay_grid.numbers(axes, _compared(keyed, setting, method), style.BOX)
        overlay_grid.finish(grid, len(here), titles)
        for axes in grid[: len(here)].flat:
            axes.set_xlim(place_limits(curves["iteration"]))
            plain_ticks(axes)
            axes.tick_params(axis="y", labelsize=6, pad=2)
    overlay_grid.put_legend(page, _handles(reference))
    foot = f"Numbers: gap, ours / published, at {compared_iterations(table)}. {explanation(table)}"
    style.footnote(page, f"{foot} {CONVENTION} {note}")
    return page


def _limits(
    curves: pd.DataFrame, oracle: pd.DataFrame, reference: pd.DataFrame, setting: str
) -> tuple[float, float]:
    """Return limits for all panels of a setting: what converged, with room for the numbers."""
    published = reference.loc[reference["panel"] == setting, "method"]
    shown = curves[(curves["setting"] == setting) & (curves["status"] == "converged")]
    shown = shown[shown["method"].isin(published)]
    paper, own = reference.loc[reference["panel"] == setting, "loss"], oracle.loc[[setting]]
    low, high = loss_limits(
        shown["loss"], shown["loss_high"], paper, own["oracle"], decades=0.5, margin=1.15
    )
    return low, high * (high / low) ** 0.3


def _overlay(axes: Axes, ours: pd.DataFrame, paper: pd.DataFrame, look: MethodStyle) -> None:
    """Draw one method in one setting."""
    overlay_grid.ours(axes, ours, "loss", look, _SPREADS)
    read = paper.dropna(subset="loss").sort_values("iteration")
    hidden = (read["reading"] == "estimate").to_numpy()
    hollow = look.hollow_line() | {"marker": "o", "markersize": 3.6}
    axes.plot(read["iteration"], read["loss"], **hollow, zorder=3, markevery=[*(~hidden)])
    axes.plot(read["iteration"][hidden], read["loss"][hidden], **_ESTIMATE, zorder=3)


def _compared(table: pd.DataFrame, setting: str, method: str) -> list[str]:
    """Return the compared gaps of a panel in lines; ``table`` is keyed by all three."""
    keys = [(setting, method, variant) for variant in VARIANTS]
    texts = (gap_pair, lambda row: f"as drawn: {ours_text(row, 'gap')}")
    pairs = zip(keys, texts, strict=True)
    return [text(table.loc[key]) for key, text in pairs if key in table.index]


def _handles(reference: pd.DataFrame) -> list[Line2D]:
    """Return the legend entries, in grey."""
    entries = overlay_grid.handles({_STARTS: 0.3})
    entries.append(Line2D([], [], label=ORACLE, **STYLES["oracle"].line()))
    if (reference["reading"] == "estimate").any():
        entries.append(Line2D([], [], label="published, estimated (hidden there)", **_ESTIMATE))
    return entries
