"""Memory of meta-gradients with and without checkpointing; a training that needs it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from l2o.errors import InputError
from l2o.figures import style
from l2o.figures.budget import stated_budget
from l2o.figures.common import check_columns, check_words
from l2o.figures.loss_axes import place_limits
from l2o.figures.style import PRINT_WIDTH, STYLES, MethodStyle

MEASURED, TRAINING = "memory measurements", "memory training"
LIMIT_GIB = 16.0
MEASURED_COLUMNS = (
    "network",
    "n",
    "unroll",
    "checkpointing",
    "peak_mib",
    "rss_before_mib",
    "status",
)
TRAINING_COLUMNS = ("network", "n", "unroll", "meta_step", "meta_loss", "status")
_HEIGHT = 2.55  # inches, of the panels with titles and x labels
_LEGEND = 0.2  # inches
_LOOKS = {  # by checkpointing; also apart in grey: dark against light, solid against dashed
    False: MethodStyle("#D55E00", "s", (0, (5, 2)), 1.4),
    True: MethodStyle("#0B3C5D", "o", "-", 1.6),
}
_LABELS = {False: "plain backpropagation", True: "checkpointed"}


def draw_memory(
    measured: pd.DataFrame,
    training: pd.DataFrame,
    preset: str,
    budget_note: str,
    pdf: str | Path,
    png: str | Path,
    key: str = "",
) -> None:
    """Draw the peak memory of a meta-gradient, and a meta-training through a large optimizee.

    Panels: peak memory against unroll, for the network that was measured with most unrolls;
    against n, for the unroll that was measured on most networks; meta-loss against meta-steps.

    Parameters
    ----------
    measured : a row per case (:func:`l2o.evaluation.memory.measure_memory`): ``network`` (widths),
        ``n`` (coordinates), ``unroll`` (inner steps), ``checkpointing`` (bool), ``peak_mib`` (MiB,
        less what was resident before), ``rss_before_mib`` and ``status`` (measured; over limit:
        the peak is an estimate)
    training : a row per meta-step (:func:`l2o.evaluation.memory.train_large`): ``network``, ``n``,
        ``unroll``, ``meta_step`` (from 1), ``meta_loss`` (nats) and ``status`` (ok, diverged)
    preset, budget_note : printed at the foot
    pdf, png : files to write; the same tables give the same bytes
    key : provenance key, stored in both files

    Raises
    ------
    InputError : a table is empty, lacks a column or holds another word, a case occurs twice, or a
        file cannot be written.
    """
    _check(measured, training)
    network, unroll = most_measured(measured)
    with style.print_style():
        page = _page(measured, training, network, unroll, stated_budget(preset, budget_note))
    style.save_pdf(page, pdf, key)
    style.save_png(page, png, key)


def _check(measured: pd.DataFrame, training: pd.DataFrame) -> None:
    tables = ((MEASURED, measured, MEASURED_COLUMNS), (TRAINING, training, TRAINING_COLUMNS))
    for name, table, columns in tables:
        check_columns(name, table, columns)
        if table.empty:
            raise InputError(name, "", "no rows", "measure again")
    check_words(MEASURED, measured, {"status": ("measured", "over limit")})
    check_words(MEASURED, measured, {"checkpointing": ("True", "False")})
    check_words(TRAINING, training, {"status": ("ok", "diverged")})
    case = ["network", "unroll", "checkpointing"]
    if len(double := measured[measured.duplicated(case)]):
        network, unroll, _ = double.iloc[0][case]
        raise InputError(MEASURED, network, f"unroll {unroll} occurs twice", "measure again")


def most_measured(measured: pd.DataFrame) -> tuple[str, int]:
    """Return the network with most unrolls and the unroll with most networks; the first of ties."""
    network = measured.groupby("network", sort=False)["unroll"].nunique().idxmax()
    unroll = measured.groupby("unroll", sort=False)["network"].nunique().idxmax()
    return network, int(unroll)


def _page(
    measured: pd.DataFrame, training: pd.DataFrame, network: str, unroll: int, note: str
) -> Figure:
    """Draw the three panels over the legend and the foot."""
    text = f"{_foot(measured, training)} {note}"
    foot = style.footnote_height(text) + _LEGEND + 0.1
    height = foot + _HEIGHT
    page = Figure((PRINT_WIDTH, height))
    panels = page.subplots(1, 3, width_ratios=(1, 1, 0.85))
    page.subplots_adjust(0.075, (foot + 0.42) / height, 0.99, 1 - 0.25 / height, 0.3)
    of_network = measured[measured["network"] == network]
    of_unroll = measured[measured["unroll"] == unroll]
    n = of_network["n"].iloc[0]
    limits = _memory_limits(pd.concat([of_network, of_unroll]))
    for axes, rows, x in ((panels[0], of_network, "unroll"), (panels[1], of_unroll, "n")):
        _memory_panel(axes, rows, x, limits)
    panels[0].set(xlabel="Unroll (inner steps)", ylabel="Peak memory (GiB)")
    panels[1].set_xlabel("Coordinates n of the optimizee")
    panels[0].set_title(f"(a) {network}, n = {n:,}", loc="left", weight="bold")
    panels[1].set_title(f"(b) Unroll of {unroll} steps", loc="left", weight="bold")
    _training_panel(panels[2], training)
    style.plain_legend(page, _entries(measured), "", (0.075, foot / height), 4)
    style.footnote(page, text)
    return page


def _memory_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Return limits of the memory axes, GiB: they show all peaks and the limit's line."""
    peaks = pd.concat([rows["peak_mib"] / 1024, pd.Series([LIMIT_GIB])])
    return peaks[peaks > 0].min() / 1.6, peaks.max() * 1.7


def _memory_panel(axes: Axes, rows: pd.DataFrame, x: str, limits: tuple[float, float]) -> None:
    """Draw peak memory against column ``x``, and the limit."""
    axes.set(xscale="log", yscale="log", xlim=place_limits(rows[x]), ylim=limits)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    places = sorted(rows[x].unique())
    axes.set_xticks(places, [_short(place) for place in places])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axhline(LIMIT_GIB, zorder=2.4, **STYLES["oracle"].line())
    for checkpointing, curve in rows.sort_values(x).groupby("checkpointing"):
        look, at = _LOOKS[str(checkpointing) == "True"], curve[x].to_numpy(float)
        peaks, over = curve["peak_mib"].to_numpy(float) / 1024, curve["status"] != "measured"
        axes.plot(at, peaks, **look.bare_line(), zorder=3)
        solid = look.line() | {"linestyle": "none", "zorder": 4}
        hollow = solid | _hollow(look)
        for mask, points in ((~over, solid), (over, hollow)):
            axes.plot(at[mask], peaks[mask], **points)


def _short(count: float) -> str:
    """Return e.g. "20", "15.9k" or "1.04M"."""
    for unit, sign in ((1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{sign}"
    return f"{count:g}"


def _hollow(look: MethodStyle) -> dict[str, object]:
    return {
        "markerfacecolor": "white",
        "markeredgecolor": look.colour,
        "markeredgewidth": 1.1,
        "markersize": 5.2,
    }


def _training_panel(axes: Axes, training: pd.DataFrame) -> None:
    """Draw the meta-loss of each meta-step; a gap where one diverged."""
    loss = training["meta_loss"].where(training["status"] == "ok").to_numpy(float)
    at, look = training["meta_step"].to_numpy(float), _LOOKS[True]
    axes.plot(at, loss, **look.line() | {"linewidth": 1.2}, markevery=max(1, len(at) // 12))
    axes.set(xlabel="Meta-steps", ylabel="Meta-loss (nats)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(f"(c) n = {training['n'].iloc[0]:,}", loc="left", weight="bold")


def _entries(measured: pd.DataFrame) -> list[Line2D]:
    """Return the entries of the legend."""
    entries = [Line2D([], [], label=_LABELS[flag], **_LOOKS[flag].line()) for flag in (False, True)]
    if (measured["status"] != "measured").any():
        hollow = STYLES["oracle"].line() | {"marker": "o", "linestyle": "none"}
        look = MethodStyle("#000000", "o")
        entries.append(Line2D([], [], label="not run: estimate", **hollow | _hollow(look)))
    return [*entries, Line2D([], [], label=f"limit: {LIMIT_GIB:g} GiB", **STYLES["oracle"].line())]


def _foot(measured: pd.DataFrame, training: pd.DataFrame) -> str:
    """Return what is drawn."""
    over = (measured["status"] != "measured").any()
    estimate = (
        " Hollow: not run, for want of the memory; extrapolated, linear in unroll and n, from "
        "small measurements."
        if over
        else ""
    )
    first = training.iloc[0]
    lost = int((training["status"] != "ok").sum())
    gaps = f", of which {lost} diverged (gaps)" if lost else ""
    return (
        "Peak resident memory of one meta-gradient of L2O-DM that trains an MLP (sigmoid): forward "
        "through the unroll, meta-loss after each step, backward; less what was resident before, "
        f"{measured['rss_before_mib'].max() / 1024:.2g} GiB. Each point is a process of its own. "
        "Checkpointed: of a step only its state is kept, the inside is computed again."
        f"{estimate} (c): mean meta-loss over the {first['unroll']} inner steps of each of "
        f"{len(training)} meta-steps{gaps}, L2O-DM trained by checkpointed backpropagation through "
        f"{first['network']}, n = {first['n']:,}."
    )
