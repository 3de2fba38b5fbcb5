"""Memory of meta-gradients with and without checkpointing; a training that needs it."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from l2o.figures.about import About
from l2o.figures.common import check_words
from l2o.figures.intake import Tables, whole_table
from l2o.figures.layout import PanelGrid, new_page
from l2o.figures.measure import Level
from l2o.figures.points import Points, draw_points, points_entries
from l2o.figures.style import MethodStyle, print_style

LIMIT_GIB = 16.0
MEASURED_COLUMNS = ("network", "n", "unroll", "checkpointing", "peak_mib", "rss_before_mib")
TRAINING_COLUMNS = ("network", "n", "unroll", "meta_step", "meta_loss", "status")
_LOOKS = {  # by checkpointing; also apart in grey: dark against light, solid against dashed
    False: ("plain backpropagation", MethodStyle("#D55E00", "s", (0, (5, 2)))),
    True: ("checkpointed", MethodStyle("#0B3C5D", "o", "-", 1.6)),
}


def memory_page(tables: Tables, about: About) -> Figure:
    """Draw the peak memory of a meta-gradient, and a meta-training through a large optimizee.

    Panels: peak memory against unroll, for the network that was measured with most unrolls;
    against n, for the unroll that was measured on most networks; meta-loss against meta-steps.

    Parameters
    ----------
    tables : ``memory``, a row per case: ``network`` (widths), ``n`` (coordinates), ``unroll``
        (inner steps), ``checkpointing`` (bool), ``peak_mib`` (MiB, less what was resident before),
        ``rss_before_mib`` and ``status`` (measured; over limit: the peak is an estimate); and
        ``memory_training``, a row per meta-step: ``network``, ``n``, ``unroll``, ``meta_step``
        (from 1), ``meta_loss`` (nats) and ``status`` (ok, diverged)
    about : the report

    Raises
    ------
    InputError : a table is missing or empty, lacks a column or holds another word.
    """
    measured = whole_table(tables, about, "memory", (*MEASURED_COLUMNS, "status"))
    training = whole_table(tables, about, "memory_training", TRAINING_COLUMNS)
    words = {"status": ("measured", "over limit"), "checkpointing": ("True", "False")}
    check_words(f"{about.report} memory", measured, words)
    check_words(f"{about.report} memory_training", training, {"status": ("ok", "diverged")})
    network, unroll = most_measured(measured)
    of_network = measured[measured["network"] == network]
    of_unroll = measured[measured["unroll"] == unroll]
    limit, n = Level(f"limit: {LIMIT_GIB:g} GiB", LIMIT_GIB), of_network["n"].iloc[0]
    estimates = bool((measured["status"] != "measured").any())
    ends = [*of_network["peak_mib"] / 1024, *of_unroll["peak_mib"] / 1024, LIMIT_GIB]
    with print_style():
        entries = points_entries(
            _series(of_network, "unroll"), "not run: estimate" if estimates else ""
        )
        entries.append(Line2D([], [], label=limit.name, **limit.look))
        foot = f"{_foot(measured, training, estimates)} {about.budget}"
        page, ((first, second, third),) = new_page(
            PanelGrid([1.9], 3, between=0.55), {"": entries}, foot
        )
        for axes, rows, x in ((first, of_network, "unroll"), (second, of_unroll, "n")):
            words = "Unroll (inner steps)" if x == "unroll" else "Coordinates n of the optimizee"
            ticks = {float(place): _short(place) for place in sorted(rows[x].unique())}
            draw_points(axes, _series(rows, x), (words, "Peak memory (GiB)"), ticks, ends)
            axes.axhline(limit.value, zorder=2.4, **limit.look)
        second.set_ylabel("")
        loss = training["meta_loss"].where(training["status"] == "ok")
        line = Points("", _LOOKS[True][1], training["meta_step"], loss)
        draw_points(third, [line], ("Meta-step", "Meta-loss (nats)"))
        titles = (f"(a) {network}, n = {n:,}", f"(b) Unroll of {unroll} steps", "(c) Training")
        for axes, title in zip((first, second, third), titles, strict=True):
            axes.set_title(title, loc="left", weight="bold", size=8)
    return page


def most_measured(measured: pd.DataFrame) -> tuple[str, int]:
    """Return the network with most unrolls and the unroll with most networks; the first of ties."""
    network = measured.groupby("network", sort=False)["unroll"].nunique().idxmax()
    unroll = measured.groupby("unroll", sort=False)["network"].nunique().idxmax()
    return network, int(unroll)


def _series(rows: pd.DataFrame, x: str) -> list[Points]:
    """Return peaks (GiB) against column ``x``, with and without checkpointing."""
    series = []
    for checkpointing, (name, look) in _LOOKS.items():
        here = rows[rows["checkpointing"].astype(str) == str(checkpointing)].sort_values(x)
        hollow = (here["status"] != "measured").to_numpy()
        series.append(Points(name, look, here[x], here["peak_mib"] / 1024, hollow))
    return series


def _short(count: float) -> str:
    """Return e.g. "20", "15.9k" or "1.04M"."""
    for unit, sign in ((1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{sign}"
    return f"{count:g}"


def _foot(measured: pd.DataFrame, training: pd.DataFrame, estimates: bool) -> str:
    """Return what is drawn."""
    first, lost = training.iloc[0], int((training["status"] != "ok").sum())
    return (
        "Peak resident memory of one meta-gradient of L2O-DM that trains an MLP (sigmoid): forward "
        "through the unroll, meta-loss after each step, backward; less what was resident before, "
        f"{measured['rss_before_mib'].max() / 1024:.2g} GiB. Each point is a process of its own. "
        "Checkpointed: of a step only its state is kept, the inside is computed again."
        + " Hollow: not run, for want of the memory; extrapolated, linear in unroll and n."
        * estimates
        + f" (c): mean meta-loss over the {first['unroll']} inner steps of each of {len(training)} "
        f"meta-steps{f', of which {lost} diverged (gaps)' if lost else ''}, L2O-DM trained by "
        f"checkpointed backpropagation through {first['network']}, n = {first['n']:,}."
    )
