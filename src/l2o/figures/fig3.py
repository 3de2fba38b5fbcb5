"""Figure 3: vanilla L2O-DM trained with unrolls of several lengths, and run for longer."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from l2o.figures import style
from l2o.figures.budget import stated_budget
from l2o.figures.fig3_table import USUAL, check_tables, range_text
from l2o.figures.loss_axes import band, clipped, loss_limits, marked, place_limits, plain_ticks
from l2o.figures.numbers import significant
from l2o.figures.style import PRINT_WIDTH, MethodStyle

_CHANCE = float(np.log(10))  # nats: the loss of ten equal chances
_CHANCE_LINE = {"color": "#A8A8A8", "linestyle": "-", "linewidth": 0.9}
_HORIZON_LINE = {"color": "#333333", "linestyle": (0, (4, 2)), "linewidth": 0.9}
_JOIN = {"color": "#8A8A8A", "linewidth": 0.9}  # between the points of the lower panel
_LIGHT, _DARK = 0.84, 0.0  # places on viridis, whose lightness falls evenly; lighter is too faint
_MARKERS = ("o", "s", "^", "D", "v", "P", "<", ">")
_EMPHASIS = 2.0  # line width of the usual length, as a multiple
_LOST = {"marker": "x", "markersize": 7, "markeredgewidth": 1.6, "linestyle": "none"}
_LEFT = 0.078  # left edge of the panels, as a part of the page's width
_TOP, _UPPER, _BETWEEN, _LOWER = 0.25, 3.0, 0.68, 2.0  # inches, from the upper edge of the page
_ABOVE_FOOT, _ENTRY = 0.86, 0.155  # inches: heading of the legend and x label; a row of entries


def draw_fig3(
    curves: pd.DataFrame,
    lengths: pd.DataFrame,
    preset: str,
    budget_note: str,
    pdf: str | Path,
    png: str | Path,
    titles: Mapping[str, str],
    key: str = "",
) -> None:
    """Draw Figure 3 of "Learning to Optimize: A Primer and a Benchmark" from our own runs.

    Above, the loss at meta-testing against the number of steps, a line per unroll length; below,
    the loss at meta-training against the unroll length. One page. The published figure was not
    read off, and nothing published is laid over ours.

    Parameters
    ----------
    curves : tidy table, a row per setting and iteration: ``setting``, ``unroll`` (inner steps
        between two meta-steps), ``method`` (l2o_dm), ``iteration`` (0 is the start), ``loss``
        (nats, mean over the runs of the training loss; may be infinite), ``loss_low``,
        ``loss_high`` (range over the runs) and ``status`` (converged, diverged)
    lengths : a row per setting: ``setting``, ``unroll``, ``horizon`` (inner steps of a run of
        meta-training, the same for all), ``epochs``, ``meta_steps``, ``first_meta_loss`` (nats,
        mean over the first tenth of the epochs), ``last_meta_loss``, ``last_meta_loss_low`` and
        ``last_meta_loss_high`` (mean and quartiles over the last tenth), ``validation_loss`` and
        ``diverged_epochs``
    preset, budget_note : printed at the foot
    pdf, png : files to write; the same tables give the same bytes
    titles : names of the settings to draw, such as "5 steps"
    key : provenance key, stored in both files

    Raises
    ------
    InputError : a column or a setting is missing, the tables disagree, or a file cannot be written.
    """
    check_tables(curves, lengths, titles)
    lengths = lengths[lengths["setting"].isin(titles)].sort_values("unroll", kind="stable")
    curves = curves[curves["setting"].isin(titles)].sort_values("iteration", kind="stable")
    with style.print_style():
        page = _page(curves, lengths, titles, stated_budget(preset, budget_note))
    style.save_pdf(page, pdf, key)
    style.save_png(page, png, key)


def length_styles(lengths: pd.DataFrame) -> dict[str, MethodStyle]:
    """Return a style per setting of ``lengths``: the later the row, the darker."""
    places = np.linspace(_LIGHT, _DARK, len(lengths)) if len(lengths) > 1 else [_DARK]
    colours = [to_hex(mpl.colormaps["viridis"](place)) for place in places]
    looks = zip(lengths["setting"], colours, cycle(_MARKERS), strict=False)
    return {setting: MethodStyle(colour, marker) for setting, colour, marker in looks}


def _page(
    curves: pd.DataFrame, lengths: pd.DataFrame, titles: Mapping[str, str], note: str
) -> Figure:
    """Draw the panels under each other, over the legend and the foot."""
    styles = length_styles(lengths)
    text = f"{_foot(lengths, titles)} {note}"
    marks = _marks(curves)
    rows = max(len(marks), -(-len(lengths) // 3))
    foot = style.footnote_height(text) + _ENTRY * rows + _ABOVE_FOOT
    height = foot + _LOWER + _BETWEEN + _UPPER + _TOP
    page = Figure((PRINT_WIDTH, height))
    upper, lower = page.subplots(2, 1, height_ratios=(_UPPER, _LOWER))
    gap = 2 * _BETWEEN / (_UPPER + _LOWER)
    page.subplots_adjust(_LEFT, foot / height, 0.99, 1 - _TOP / height, hspace=gap)
    _meta_test(upper, curves, lengths, styles)
    # Curves start near the loss of chance: the other half of the panel is free on the left.
    place, side = (0.97, "top") if _part(_CHANCE, upper.get_ylim()) < 0.5 else (0.03, "bottom")
    box = {"transform": upper.transAxes, "size": 6.5, "bbox": style.BOX, "zorder": 5}
    upper.text(0.015, place, _diverged(curves, lengths, titles), va=side, **box)
    _meta_training(lower, lengths, styles)
    _legend(page, (foot - 0.6) / height, _entries(lengths, styles, titles), marks)
    style.footnote(page, text)
    return page


def _part(value: float, limits: tuple[float, float]) -> float:
    """Return where a value is on a log axis: 0 at its lower limit, 1 at its upper one."""
    low, high = np.log(limits)
    return float((np.log(value) - low) / (high - low))


def _meta_test(
    axes: Axes, curves: pd.DataFrame, lengths: pd.DataFrame, styles: Mapping[str, MethodStyle]
) -> None:
    """Draw loss against steps; a cross is the last finite mean of a curve that has no other."""
    horizon = int(lengths["horizon"].iloc[0])
    rows = curves[curves["iteration"] > 0]
    limits = loss_limits(rows["loss"], pd.Series([_CHANCE]), margin=1.5)
    xlim = place_limits(pd.concat([rows["iteration"], pd.Series([horizon])]))
    axes.set(xscale="log", yscale="log", xlim=xlim, ylim=limits)
    plain_ticks(axes)
    axes.axhline(_CHANCE, zorder=2.4, **_CHANCE_LINE)
    for number, (setting, unroll) in enumerate(lengths[["setting", "unroll"]].to_numpy()):
        curve, look = rows[rows["setting"] == setting], styles[setting]
        at, losses = curve["iteration"].to_numpy(float), clipped(curve["loss"])
        usual = unroll == USUAL
        line = look.line(_EMPHASIS if usual else 1.0) | {"zorder": 3.5 if usual else 3}
        axes.plot(at, losses, markevery=marked(at, number), **line)
        band(axes, at, curve["loss_low"], curve["loss_high"], look.colour, 0.10)
        finite = np.flatnonzero(np.isfinite(losses))
        if len(finite) > 0 and finite[-1] < len(losses) - 1:
            last = finite[-1]
            axes.plot(at[last], losses[last], color=look.colour, zorder=4, **_LOST)
    axes.axvline(horizon, zorder=2.6, **_HORIZON_LINE)
    # On the right, where the curves go on, unless the panel ends there.
    shift, side = (4, "left") if _part(horizon, xlim) < 0.7 else (-4, "right")
    axes.annotate(
        f"trained for {horizon:,} steps",
        (horizon, 0.975),
        (shift, 0),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        **{"ha": side, "va": "top", "size": 7, "bbox": style.BOX, "zorder": 5},
    )
    axes.set(xlabel="Steps at meta-testing", ylabel="Meta-test loss (nats)")
    axes.set_title("(a) Meta-testing: vanilla L2O-DM", loc="left", weight="bold")


def _meta_training(axes: Axes, lengths: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> None:
    """Draw meta-loss against unroll length: the last epochs filled, the first ones hollow."""
    at, columns = lengths["unroll"].to_numpy(float), ("first_meta_loss", "last_meta_loss")
    low, high = lengths["last_meta_loss_low"], lengths["last_meta_loss_high"]
    shown = [lengths[name] for name in columns]
    limits = loss_limits(*shown, low, high, pd.Series([_CHANCE]), decades=0.4, margin=1.25)
    axes.set(xscale="log", yscale="log", xlim=place_limits(lengths["unroll"]), ylim=limits)
    plain_ticks(axes)
    axes.axhline(_CHANCE, zorder=2.4, **_CHANCE_LINE)
    first, last = (clipped(column) for column in shown)
    axes.plot(at, first, zorder=2.6, linestyle=":", **_JOIN)
    axes.plot(at, last, zorder=2.6, **_JOIN)
    for place, setting in enumerate(lengths["setting"]):
        look, here = styles[setting], slice(place, place + 1)
        line = look.line(_EMPHASIS if at[place] == USUAL else 1.4) | {"linestyle": "none"}
        hollow = line | {"markerfacecolor": "white", "markeredgecolor": look.colour}
        axes.plot(at[here], first[here], zorder=3, **hollow | {"markeredgewidth": 1.0})
        # The mean of a few epochs may lie outside their quartiles: the bar is not drawn from it.
        length = (clipped(high) - clipped(low))[here]
        if np.isfinite(length).all():
            bars = [[0], np.maximum(length, 0)]
            thin = {"ecolor": look.colour, "elinewidth": 1.0, "capsize": 2.5, "capthick": 1.0}
            axes.errorbar(at[here], clipped(low)[here], bars, fmt="none", zorder=3.2, **thin)
        axes.plot(at[here], last[here], zorder=3.5, **line)
    ticks = lengths[["unroll", "meta_steps"]].itertuples(index=False)
    axes.xaxis.set_major_locator(FixedLocator(at))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{u:,}\n({m:,.0f})" for u, m in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    xlabel = "Unroll length in steps (in brackets: meta-steps taken)"
    axes.set(xlabel=xlabel, ylabel="Meta-training loss (nats)")
    axes.set_title("(b) Meta-training", loc="left", weight="bold")


def _diverged(curves: pd.DataFrame, lengths: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return a line for each curve that diverged: up to where it is finite, or how it ends."""
    lines = []
    for setting in lengths["setting"]:
        curve = curves[curves["setting"] == setting]
        losses = curve.set_index("iteration")["loss"]
        finite = losses.index[np.isfinite(losses)]
        if not len(finite):
            told = "never finite"
        elif not np.isfinite(losses.iloc[-1]):
            told = f"mean finite up to step {finite.max():,}"
        elif (curve["status"] != "converged").any():
            told = f"mean ends at {significant(losses.iloc[-1])}"
        else:
            continue
        lines.append(f"{titles[setting]}: diverged, {told}")
    return "\n".join(lines)


def _entries(
    lengths: pd.DataFrame, styles: Mapping[str, MethodStyle], titles: Mapping[str, str]
) -> list[Artist]:
    """Return the entries of the unroll lengths."""
    handles: list[Artist] = []
    for setting, unroll in lengths[["setting", "unroll"]].to_numpy():
        label, emphasis = titles[setting], 1.0
        if unroll == USUAL:
            label, emphasis = f"{label}, usual", _EMPHASIS
        handles.append(Line2D([], [], label=label, **styles[setting].line(emphasis)))
    return handles


def _marks(curves: pd.DataFrame) -> list[Artist]:
    """Return the entries of the lines for reference, and of the cross if a curve has it."""
    marks: list[Artist] = [
        Line2D([], [], label="ln 10: ten equal chances", **_CHANCE_LINE),
        Line2D([], [], label="steps trained for", **_HORIZON_LINE),
    ]
    if not np.isfinite(curves.groupby("setting")["loss"].nth(-1)).all():
        marks.append(Line2D([], [], label="last finite mean", color="#555555", **_LOST))
    return marks


def _legend(page: Figure, top: float, lengths: list[Artist], marks: list[Artist]) -> None:
    """Put the unroll lengths and, beside them, what the marks mean under the panels."""
    style.plain_legend(page, lengths, "Unroll length, (a) and (b)", (_LEFT, top), 3)
    grey = {"color": "#555555", "marker": "o", "markersize": 4.8, "linestyle": "none"}
    points: list[Artist] = [
        Line2D([], [], label="last tenth of the epochs", **grey),
        Line2D([], [], label="first tenth of the epochs", markerfacecolor="white", **grey),
    ]
    style.plain_legend(page, points, "Points of (b)", (0.52, top), 1)
    style.plain_legend(page, marks, "Reference", (0.76, top), 1)


def _foot(lengths: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Return what is drawn, how long the training was, and which of it diverged."""
    horizon = range_text(lengths["horizon"], "step")
    text = (
        "(a) Mean cross-entropy of an MLP with sigmoid units on a fixed sample of the training "
        "images, mean over the runs; shades: range over them. (b) Mean cross-entropy over the "
        "steps of a run of meta-training, mean over epochs that did not diverge; bars: quartiles "
        "over the last tenth of them. Each length was "
        f"trained for {range_text(lengths['epochs'], 'epoch')} of {horizon}; a meta-step is one "
        "step of Adam, taken after each unroll."
    )
    lost = lengths[lengths["diverged_epochs"] > 0]
    each = [
        f"{titles[setting]} {diverged:,.0f} of {epochs:,.0f}"
        for setting, diverged, epochs in lost[["setting", "diverged_epochs", "epochs"]].to_numpy()
    ]
    text += f" Epochs that diverged: {'; '.join(each)}." if each else ""
    absent = lengths.loc[~np.isfinite(lengths["last_meta_loss"]), "setting"]
    names = ", ".join(titles[setting] for setting in absent)
    return text + (f" No finite loss in the last epochs: {names}." if names else "")
