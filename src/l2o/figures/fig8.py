"""Figure 8: training loss of two networks on MNIST against iteration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures import style
from l2o.figures.budget import stated_budget
from l2o.figures.common import settings_of_classical
from l2o.figures.fig8_overlay import overlay_page, shown_limits
from l2o.figures.fig8_table import check_curves
from l2o.figures.fig8_text import LOSS_LABEL
from l2o.figures.loss_axes import band, clipped, marked, place_limits, plain_ticks
from l2o.figures.method_legend import legend_entries, place_legend, prepared
from l2o.figures.numbers import significant
from l2o.figures.style import PRINT_WIDTH, MethodStyle

_CHANCE = float(np.log(10))  # nats: the loss of ten equal chances
_CHANCE_LINE = {"color": "#A8A8A8", "linestyle": "-", "linewidth": 0.9}  # SGD's is dotted
_LEFT = 0.078  # left edge of the panels, as a part of the page's width
_ABOVE_FOOT, _ENTRY = 0.79, 0.155  # inches: legend's heading and x labels; a row of the legend
_PANEL = 3.5  # inches, height of the panels with their titles
_GROUPS = ("Analytic", "Learned, recurrent")


def draw_fig8(
    curves: pd.DataFrame,
    finals: pd.DataFrame,
    reference: pd.DataFrame,
    preset: str,
    budget_note: str,
    pdf: str | Path,
    png: str | Path,
    titles: Mapping[str, str],
    key: str = "",
) -> None:
    """Draw Figure 8 of "Learning to Optimize: A Primer and a Benchmark" from our own curves.

    Page 1 shows all methods, a panel per network. Page 2 sets every method that the paper shows
    against its published curve. The PNG is page 1.

    Parameters
    ----------
    curves : tidy table, a row per setting, method and iteration: ``setting``, ``method``,
        ``variant`` (main), ``kind`` (classical, recurrent), ``label`` (that of a classical method
        may end in settings, as in "Adam (rate 0.003)"), ``iteration`` (0 is the start), ``loss``
        (nats, mean over the runs of the mean cross-entropy on training images), ``loss_low``,
        ``loss_high`` (range over the runs) and ``status`` (converged; diverged: the mean loss at
        the end is not finite or above the one at the start)
    finals : a row per setting and method, after the last iteration: ``setting``, ``method``,
        ``training_loss``, ``training_loss_std`` (nats, all training images), ``test_loss``,
        ``test_accuracy``, ``test_accuracy_std`` (0 to 1), ``runs`` and ``diverged`` (how many of
        them)
    reference : published curves: ``panel`` (a setting), ``method``, ``iteration`` and ``loss``
        (nats; empty: could not be read)
    preset, budget_note : printed at the foot
    pdf, png : files to write; the same tables give the same bytes
    titles : panel titles, keyed by setting, in the order of the panels
    key : provenance key, stored in both files

    Raises
    ------
    InputError : a column, setting, published method or final is missing, one of our curves lacks a
        published iteration before its end, or a file cannot be written.
    """
    check_curves(curves, reference, finals, titles)
    reference = reference[reference["panel"].isin(titles)]
    curves, note = prepared(curves, titles, _group), stated_budget(preset, budget_note)
    with style.print_style():
        first = _page(curves, finals, titles, note)
        second = overlay_page(curves, finals, reference, titles, note)
    style.save_pdf([first, second], pdf, key)
    style.save_png(first, png, key)


def _group(method: str, kind: str) -> str:
    """Return the heading under which the legend has a method."""
    return _GROUPS[kind == "recurrent"]


def _page(
    curves: pd.DataFrame, finals: pd.DataFrame, titles: Mapping[str, str], note: str
) -> Figure:
    """Draw the panels beside each other, over the legend and the foot."""
    styles = style.styles_for(curves["method"].unique())
    legend, text = _legend(curves, styles), f"{_foot(curves, finals, titles)} {note}"
    below = style.footnote_height(text) + _ENTRY * max(map(len, legend.values()))
    foot = below + _ABOVE_FOOT
    height = foot + _PANEL
    page = Figure((PRINT_WIDTH, height))
    panels = page.subplots(1, len(titles), squeeze=False)[0]
    page.subplots_adjust(_LEFT, foot / height, 0.99, 1 - 0.25 / height, 0.14)
    panels[0].set_ylabel(LOSS_LABEL)
    for axes, setting, letter in zip(panels, titles, ascii_lowercase, strict=False):
        here = curves[curves["setting"] == setting]
        _panel(axes, here, styles)
        ends = finals[finals["setting"] == setting].set_index("method")
        box = {"transform": axes.transAxes, "size": 6.5, "bbox": style.BOX, "zorder": 5}
        axes.text(0.02, 0.025, _ended(here, ends), va="bottom", **box)
        axes.set_title(f"({letter}) {titles[setting]}", loc="left", weight="bold")
        axes.set_xlabel("Iteration")
    place_legend(page, legend, _LEFT, (foot - 0.5) / height)
    style.footnote(page, text)
    return page


def _panel(axes: Axes, curves: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> None:
    """Draw one network; a bar is the range over the runs at a marker."""
    limits = shown_limits(curves, pd.Series([_CHANCE]))
    rows = curves[curves["iteration"] > 0]
    axes.set(xscale="log", yscale="log", xlim=place_limits(rows["iteration"]), ylim=limits)
    plain_ticks(axes)
    axes.axhline(_CHANCE, zorder=2.4, **_CHANCE_LINE)
    for number, (method, curve) in enumerate(rows.groupby("method", sort=False)):
        look, learned = styles[method], curve["kind"].iloc[0] == "recurrent"
        at, losses = curve["iteration"].to_numpy(float), clipped(curve["loss"])
        line, order = look.line(), 3 if learned else 2.5
        places = marked(at, number)
        axes.plot(at, losses, **line | {"zorder": order}, markevery=places)
        low, high = clipped(curve["loss_low"]), clipped(curve["loss_high"])
        bars = np.maximum([losses - low, high - losses], 0)[:, places]  # no minus by rounding
        thin = {"ecolor": look.colour, "elinewidth": 0.8, "capsize": 1.6, "capthick": 0.8}
        axes.errorbar(at[places], losses[places], bars, fmt="none", zorder=order, **thin)
        if learned:
            band(axes, at, curve["loss_low"], curve["loss_high"], look.colour, 0.12)


def _ended(curves: pd.DataFrame, finals: pd.DataFrame) -> str:
    """Return lines for each method with runs that diverged: how many, and how its mean ended."""
    lines = []
    for method, curve in curves.groupby("method", sort=False):
        name, losses = curve["base"].iloc[0], curve.set_index("iteration")["loss"]
        last, ends = losses.iloc[-1], finals.loc[method]
        runs = f"{ends['diverged']:.0f} of {ends['runs']:.0f} runs"
        if not np.isfinite(last):
            finite = losses.index[np.isfinite(losses)]
            told = (
                f"mean finite up to iteration {finite.max():,}" if len(finite) else "never finite"
            )
            lines += [f"{name} diverged in {runs}:", f"   {told}"]
        elif (curve["status"] != "converged").any():
            lines += [f"{name} diverged in {runs}:", f"   mean ends at {significant(last)}"]
        elif ends["diverged"] > 0:
            lines.append(f"{name} diverged in {runs}")
    return "\n".join(lines)


def _legend(curves: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> dict[str, list[Artist]]:
    """Return the entries of the legend under the heading of each group that has any."""
    entries = legend_entries(curves, styles, _GROUPS)
    entries["Reference"] = [Line2D([], [], label="ln 10: ten equal chances", **_CHANCE_LINE)]
    return {name: handles for name, handles in entries.items() if handles}


def _foot(curves: pd.DataFrame, finals: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return what is drawn, with the settings of the methods that have any."""
    runs = finals.loc[finals["setting"].isin(titles), "runs"].astype(int)
    most = runs.max()
    count = "one run" if most == 1 else f"{most} runs"
    if runs.min() < most:
        count = f"{runs.min()} to {most} runs"
    by_setting = {s: settings_of_classical(curves[curves["setting"] == s]) for s in titles}
    used = [*dict.fromkeys(filter(None, by_setting.values()))]
    if len(used) > 1:
        used = [f"{titles[setting]}: {text}" for setting, text in by_setting.items() if text]
    settings = f" Settings: {'. '.join(used)}." if used else ""
    return (
        "Mean cross-entropy on a fixed sample of the training images, after the iteration, mean "
        f"over {count}. Bars, and for learned methods shades: range over the runs.{settings}"
    )
