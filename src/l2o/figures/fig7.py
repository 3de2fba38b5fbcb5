"""Figure 7: mean objective on Rastrigin functions against iteration, and against evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures import style
from l2o.figures.common import names_by_reason, preset_note, settings_of_classical, shifts
from l2o.figures.fig7_overlay import overlay_page
from l2o.figures.fig7_table import CONVENTION, LOSS_LABEL, ORACLE, check_curves
from l2o.figures.loss_axes import (
    TOP,
    band,
    clipped,
    loss_limits,
    marked,
    place_limits,
    plain_ticks,
)
from l2o.figures.method_legend import legend_entries, place_legend, prepared
from l2o.figures.numbers import significant
from l2o.figures.style import PRINT_WIDTH, STYLES, MethodStyle

_LEFT = 0.078  # left edge of the panels, as a part of the page's width
_ABOVE_FOOT, _ENTRY = 0.79, 0.155  # inches: legend's heading and x labels; a row of the legend
_PANEL = 2.75  # inches, height of a row of panels with its title
_GROUPS = ("Gradient methods", "Recurrent, one point", "Swarms")
_PLACES = {  # what the rows of panels are drawn against
    "published": "Iteration (1: the start)",
    "evaluations": "Function values and gradients, together",
}


def draw_fig7(
    curves: pd.DataFrame,
    oracles: pd.DataFrame,
    reference: pd.DataFrame,
    preset: str,
    budget_note: str,
    pdf: str | Path,
    png: str | Path,
    titles: Mapping[str, str],
    key: str = "",
) -> None:
    """Draw Figure 7 of "Learning to Optimize: A Primer and a Benchmark" from our own curves.

    Page 1 shows all methods, a column of panels per setting: against iteration, and against what
    was evaluated. Page 2 sets every method that the paper shows against its published curve. The
    PNG is page 1.

    Parameters
    ----------
    curves : tidy table, a row per setting, method, variant and iteration: ``setting``, ``method``,
        ``variant`` (main: as the paper's text says; as_drawn: a classical method with settings
        that reproduce the published curve, on page 2 only), ``kind`` (classical, recurrent,
        population), ``label`` (but for a recurrent one it may end in settings, as in
        "NAG (step 0.01)"), ``iteration`` (0 is the start), ``loss`` (mean of f over instances and
        starts), ``loss_low``, ``loss_high`` (range over the starts of the mean over instances),
        ``gap`` (loss less the mean oracle of the same instances), ``evaluations`` (mean number of
        function values and gradients so far, per instance and start), ``shift`` (published
        iteration less ours) and ``status`` (converged, diverged)
    oracles : a row per setting: ``setting``, ``oracle`` (mean of the lowest minima that
        Run-and-Inspect found on the test instances), ``expected_oracle`` (the same expected over
        the family), ``oracle_error`` (standard error of the mean oracle of as many instances as the
        published one has), ``starts`` (of Run-and-Inspect, for each instance) and ``settled``
        (share of its runs that ended at an inspection that found nothing lower)
    reference : published curves: ``panel`` (a setting), ``method``, ``iteration``, ``loss`` (empty:
        could not be read) and ``reading`` (curve; estimate: hidden in the paper's figure)
    preset, budget_note : printed at the foot; the note only if preset is not ``paper``
    pdf, png : files to write; the same tables give the same bytes
    titles : panel titles, keyed by setting, in the order of the columns
    key : provenance key, stored in both files

    Raises
    ------
    InputError : a column, setting, oracle, published method or published iteration is missing, or
        a file cannot be written.
    """
    check_curves(curves, reference, oracles, titles)
    reference = reference[reference["panel"].isin(titles)]
    curves, note = prepared(curves, titles, _group), preset_note(preset, budget_note)
    curves = curves.assign(published=curves["iteration"] + shifts(curves))
    with style.print_style():
        main = curves[curves["variant"] == "main"]
        first = _page(main, oracles.set_index("setting"), titles, note)
        second = overlay_page(curves, oracles, reference, titles, note)
    style.save_pdf([first, second], pdf, key)
    style.save_png(first, png, key)


def _group(method: str, kind: str) -> str:
    """Return the heading under which the legend has a method."""
    if kind == "population" or method == "l2o_swarm":
        return "Swarms"
    return _GROUPS[kind == "recurrent"]


def _page(
    curves: pd.DataFrame, oracles: pd.DataFrame, titles: Mapping[str, str], note: str
) -> Figure:
    """Draw a column of panels per setting and a row per x axis, over the legend and the foot."""
    styles = style.styles_for(curves["method"].unique())
    legend, text = _legend(curves, styles), f"{_foot(curves, oracles, titles)} {note}"
    below = style.footnote_height(text) + _ENTRY * max(map(len, legend.values()))
    foot = below + _ABOVE_FOOT
    height = foot + _PANEL * len(_PLACES)
    page = Figure((PRINT_WIDTH, height))
    panels = page.subplots(len(_PLACES), len(titles), squeeze=False, sharey="col")
    page.subplots_adjust(_LEFT, foot / height, 0.99, 1 - 0.25 / height, 0.11, 0.3)
    letters = iter(ascii_lowercase)
    for row, (x, xlabel) in zip(panels, _PLACES.items(), strict=True):
        row[0].set_ylabel(LOSS_LABEL)
        for axes, setting in zip(row, titles, strict=True):
            here = curves[(curves["setting"] == setting) & (curves[x] > 0)]
            _panel(axes, here, x, float(oracles.loc[setting, "oracle"]), styles)
            against = ", by evaluations" if x == "evaluations" else ""
            title = f"({next(letters)}) {titles[setting]}{against}"
            axes.set_title(title, loc="left", weight="bold")
            axes.set_xlabel(xlabel)
    place_legend(page, legend, _LEFT, (foot - 0.5) / height)
    style.footnote(page, text)
    return page


def _panel(
    axes: Axes, rows: pd.DataFrame, x: str, oracle: float, styles: Mapping[str, MethodStyle]
) -> None:
    """Draw one setting against column ``x``."""
    shown, least = rows[rows["status"] == "converged"], pd.Series([oracle])
    limits = loss_limits(shown["loss"], shown["loss_high"], least, decades=0.5, margin=1.18)
    axes.set(xscale="log", yscale="log", xlim=place_limits(rows[x]), ylim=limits)
    plain_ticks(axes)
    axes.axhline(oracle, zorder=2.4, **STYLES["oracle"].line())
    value = f"oracle: {significant(oracle)}"
    look = {"transform": axes.get_yaxis_transform(), "size": 6.5, "bbox": style.BOX, "zorder": 5}
    axes.text(0.02, oracle * (limits[1] / limits[0]) ** 0.025, value, va="bottom", **look)
    for number, (method, curve) in enumerate(rows.groupby("method", sort=False)):
        look, learned = styles[method], curve["kind"].iloc[0] == "recurrent"
        at = curve[x].to_numpy(float)
        line = look.line() | {"zorder": 3 if learned else 2.5}
        axes.plot(at, clipped(curve["loss"]), **line, markevery=marked(at, number))
        if learned:
            band(axes, at, curve["loss_low"], curve["loss_high"], look.colour, 0.16)
    lost = (rows["status"] != "converged") | rows["loss"].isna() | (rows["loss"] > TOP)
    if note := names_by_reason(rows, {"diverged": lost}):
        box = {"transform": axes.transAxes, "size": 6.5, "bbox": style.BOX, "zorder": 5}
        axes.text(0.98, 0.97, note, ha="right", va="top", **box)


def _legend(curves: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> dict[str, list[Artist]]:
    """Return the entries of the legend under the heading of each group that has any."""
    entries = legend_entries(curves, styles, _GROUPS)
    entries["Optimum"] = [Line2D([], [], label=ORACLE, **STYLES["oracle"].line())]
    return {name: handles for name, handles in entries.items() if handles}


def _foot(curves: pd.DataFrame, oracles: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return what is drawn, with the settings of the methods that have any."""
    oracle = "; ".join(
        f"{titles[setting]}: {oracles.loc[setting, 'starts']:,.0f} runs an instance, of which "
        f"{100 * oracles.loc[setting, 'settled']:.3g} % ended where nothing lower was found"
        for setting in titles
    )
    by_setting = {s: settings_of_classical(curves[curves["setting"] == s]) for s in titles}
    used = [*dict.fromkeys(filter(None, by_setting.values()))]
    if len(used) > 1:
        used = [f"{titles[setting]}: {text}" for setting, text in by_setting.items() if text]
    settings = f" Settings: {'. '.join(used)}." if used else ""
    return (
        f"{CONVENTION} Shaded: range over the random starts of the mean over the instances, "
        "learned methods only; single instances lie much further apart. Oracle: lowest minimum "
        f"that Run-and-Inspect found for each instance ({oracle}).{settings}"
    )
