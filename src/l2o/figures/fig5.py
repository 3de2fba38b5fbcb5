"""Figure 5: NMSE against layer of unrolled networks in four sparse-recovery settings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from l2o.figures import style
from l2o.figures.common import names_by_reason, preset_note, settings_of_classical
from l2o.figures.fig5_table import (
    READING_DB,
    check_curves,
    compared_layers,
    db_pair,
    fig5_table,
)
from l2o.figures.style import PRINT_WIDTH, MethodStyle

_LEFT = 0.086  # left edge of the panels of page 1, as a part of the page's width
_TOP_DB = 6.0  # a curve above this has left the panel; the start, x = 0, is at 0 dB
_EXTRA = 0.75  # emphasis of unrolled methods that the paper's figure does not show
_CONVENTION = "NMSE: mean over the test samples of each sample's NMSE in dB."


def draw_fig5(
    curves: pd.DataFrame,
    reference: pd.DataFrame,
    preset: str,
    budget_note: str,
    pdf: str | Path,
    png: str | Path,
    titles: Mapping[str, str],
    key: str = "",
) -> None:
    """Draw Figure 5 of "Learning to Optimize: A Primer and a Benchmark" from our own curves.

    Page 1 shows all methods, a panel per setting; page 2 sets every method that the paper shows
    against its published curve. The PNG is page 1.

    Parameters
    ----------
    curves : tidy table, a row per setting, method and layer: ``setting``, ``method``, ``kind``
        (unrolled, classical, oracle), ``label`` (a classical one ends in its settings, as in
        "FISTA (λ = 0.1)"), ``layer`` (0 is the start), ``nmse_db``, ``nmse_q25_db``,
        ``nmse_q75_db`` (dB) and ``status`` (converged, diverged). ``-inf`` is an exact recovery.
    reference : published curves: ``panel`` (a setting), ``method``, ``layer``, ``nmse_db`` (dB)
    preset, budget_note : printed at the foot; the note only if preset is not ``paper``
    pdf, png : files to write; the same tables give the same bytes
    titles : panel titles, keyed by setting, in the order of the panels
    key : provenance key, stored in both files

    Raises
    ------
    InputError : a column, setting or published method is missing, or a file cannot be written.
    """
    check_curves(curves, reference, titles)
    reference = reference[reference["panel"].isin(titles)]
    curves = curves[curves["setting"].isin(titles)].sort_values("layer", kind="stable")
    names = [style.base_label(*pair) for pair in curves[["label", "kind"]].to_numpy()]
    curves, note = curves.assign(base=names), preset_note(preset, budget_note)
    with style.print_style():
        first = _curves_page(curves, set(reference["method"]), titles, note)
        second = _overlay_page(curves, reference, titles, note)
    style.save_pdf([first, second], pdf, key)
    style.save_png(first, png, key)


def _curves_page(
    curves: pd.DataFrame, published: set[str], titles: Mapping[str, str], note: str
) -> Figure:
    """Page 1: a panel per setting, two in a row, over the legend and the foot."""
    styles, rows = style.styles_for(curves["method"].unique()), -(-len(titles) // 2)
    height = 1.45 + 2.75 * rows
    page = Figure((PRINT_WIDTH, height))
    panels = page.subplots(rows, 2, squeeze=False).ravel()
    page.subplots_adjust(_LEFT, 1.4 / height, 0.99, 1 - 0.35 / height, 0.2, 0.36)
    for axes, letter, setting in zip(panels, ascii_lowercase, titles, strict=False):
        here = curves[curves["setting"] == setting]
        _panel(axes, here, styles, published)
        axes.set_title(f"({letter}) {titles[setting]}", loc="left", weight="bold", pad=13)
        axes.text(0, 1.025, settings_of_classical(here), transform=axes.transAxes, size=6.5)
        axes.set(xlabel="Layer", ylabel="NMSE (dB)")
    for axes in panels[len(titles) :]:
        axes.set_axis_off()
    _legend(page, curves, styles, published)
    style.footnote(page, f"{_CONVENTION} {note}")
    return page


def _panel(
    axes: Axes, rows: pd.DataFrame, styles: Mapping[str, MethodStyle], published: set[str]
) -> None:
    """Draw one setting; the oracle stretches the axis only if it is near the other curves."""
    oracle, depth = rows["kind"] == "oracle", rows["layer"].max()
    low, high = _limits(rows.loc[~oracle & (rows["status"] == "converged"), "nmse_db"])
    bound = rows.loc[oracle & np.isfinite(rows["nmse_db"]), "nmse_db"].min()
    if low > bound > low - 0.5 * (high - low):
        low = bound - 0.04 * (high - low)
    axes.set(ylim=(low, high), xlim=(-0.03 * depth, 1.03 * depth))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 4, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    for method, curve in rows.groupby("method", sort=False):
        line = styles[method].line(_emphasis(curve.iloc[0], published))
        layers, nmse = curve["layer"].to_numpy(), curve["nmse_db"].to_numpy(float)
        if curve["kind"].iloc[0] == "oracle" and len(curve) == 1:
            layers, nmse = np.array([0, depth]), nmse.repeat(2)
        _draw(axes, layers, nmse, line | {"zorder": 3 if method in published else 2})
    if note := _note(rows, low):
        axes.text(0.02, 0.03, note, transform=axes.transAxes, size=6.5, bbox=style.BOX, zorder=5)


def _draw(axes: Axes, layers: np.ndarray, nmse: np.ndarray, line: dict[str, Any]) -> None:
    """Draw a curve; what is not finite leaves a gap, and -inf a marker on the lower edge."""
    axes.plot(layers, np.where(np.isfinite(nmse), nmse, np.nan), **line)
    exact = layers[np.isneginf(nmse)]
    edge = line | {"linestyle": "none", "clip_on": False, "marker": line["marker"] or "v"}
    axes.plot(exact, np.zeros(len(exact)), transform=axes.get_xaxis_transform(), **edge)


def _limits(*nmse: pd.Series) -> tuple[float, float]:
    """Return the y limits (dB) that show all finite values up to _TOP_DB, with a margin."""
    values = np.concatenate(nmse).astype(float)
    shown = values[np.isfinite(values) & (values <= _TOP_DB)]
    low, high = shown.min(initial=-1.0), shown.max(initial=0.0)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _emphasis(row: pd.Series, published: set[str]) -> float:
    return _EXTRA if row["kind"] == "unrolled" and row["method"] not in published else 1.0


def _note(rows: pd.DataFrame, low: float) -> str:
    """Name the methods of one panel whose curve is not all to be seen, and why."""
    nmse, oracle = rows["nmse_db"], rows["kind"] == "oracle"
    reasons = {
        "diverged": (rows["status"] != "converged") | nmse.isna() | np.isposinf(nmse),
        "reaches −∞ dB": np.isneginf(nmse) & ~oracle,
        "below the axis": (nmse < low) & oracle,
    }
    return names_by_reason(rows, reasons)


def _legend(
    page: Figure, curves: pd.DataFrame, styles: Mapping[str, MethodStyle], published: set[str]
) -> None:
    """Put the legend under the panels: the paper's methods in one row, all others in the next."""
    entries: dict[bool, list[Line2D]] = {True: [], False: []}
    for _, row in curves.drop_duplicates("method").iterrows():
        look = styles[row["method"]].line(_emphasis(row, published))
        entries[row["method"] in published].append(Line2D([], [], label=row["base"], **look))
    for shown, inches, heading in ((True, 0.95, "In the paper's figure"), (False, 0.58, "Added")):
        at = (_LEFT, inches / page.get_figheight())
        style.plain_legend(page, entries[shown], heading, at, max(1, len(entries[shown])))


def _overlay_page(
    curves: pd.DataFrame, reference: pd.DataFrame, titles: Mapping[str, str], note: str
) -> Figure:
    """Page 2: a row per published method, a column per setting with one y axis."""
    methods = list(reference["method"].unique())
    table = fig5_table(curves, reference).set_index(["setting", "method"])
    styles, height = style.styles_for(methods), 1.7 + 1.1 * len(methods)
    page = Figure((PRINT_WIDTH, height))
    grid = page.subplots(len(methods), len(titles), squeeze=False, sharex=True, sharey="col")
    page.subplots_adjust(0.105, 1.05 / height, 0.99, 1 - 0.65 / height, 0.24, 0.12)
    heading, look = "Ours against the published curves", {"size": 9.5, "weight": "bold"}
    page.suptitle(heading, y=1 - 0.08 / height, va="top", **look)
    page.supylabel("NMSE (dB)", x=0.008, size=8)
    for column, setting in zip(grid.T, titles, strict=True):
        ours, paper = curves[curves["setting"] == setting], reference[reference["panel"] == setting]
        ours = ours[ours["method"].isin(methods)]
        unbroken = re.sub(r", (?=[^()]*\))", ",\u00a0", titles[setting])  # no break in brackets
        column[0].set_title(textwrap.fill(unbroken, 22), size=7.5, weight="bold")
        low, high = _limits(ours["nmse_db"], ours["nmse_q25_db"], paper["nmse_db"])
        column[0].set_ylim(low, high + 0.13 * (high - low))  # room for the numbers
        column[-1].set_xlabel("Layer")
        column[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 4, 10]))
        for axes, method in zip(column, methods, strict=True):
            pair = (rows[rows["method"] == method] for rows in (ours, paper))
            _overlay(axes, *pair, styles[method])
            numbers = db_pair(table.loc[(setting, method)])
            axes.text(0.97, 0.88, numbers, transform=axes.transAxes, size=6, ha="right")
    for axes, label in zip(grid[:, 0], table["label"], strict=False):
        axes.set_ylabel(label, size=7.5, weight="bold")
    at = (0.55, 0.36 / height)
    page.legend(handles=_handles(), ncols=3, loc="lower center", bbox_to_anchor=at, frameon=False)
    style.footnote(
        page, f"Numbers: ours / published, at {compared_layers(table)}. {_CONVENTION} {note}"
    )
    return page


def _handles() -> list[Line2D | Patch]:
    """Return the legend entries of page 2, in grey."""
    grey = MethodStyle("#444444", "o")
    read = f"published, read off the paper's figure to ±{READING_DB} dB"
    return [
        Line2D([], [], label="ours", **grey.bare_line()),
        Patch(color=grey.colour, alpha=0.2, linewidth=0, label="ours, middle half of the samples"),
        Line2D([], [], label=read, **grey.hollow_line()),
    ]


def _overlay(axes: Axes, ours: pd.DataFrame, paper: pd.DataFrame, look: MethodStyle) -> None:
    """Draw one method in one setting."""
    quartiles = [ours[c].where(np.isfinite(ours[c])) for c in ("nmse_q25_db", "nmse_q75_db")]
    axes.fill_between(ours["layer"], *quartiles, color=look.colour, alpha=0.2, linewidth=0)
    _draw(axes, ours["layer"].to_numpy(), ours["nmse_db"].to_numpy(float), look.bare_line())
    axes.plot(paper["layer"], paper["nmse_db"], **look.hollow_line())
