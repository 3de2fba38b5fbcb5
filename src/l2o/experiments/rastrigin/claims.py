"""Claims 18 to 22: the Rastrigin family, mean objective against published iteration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from l2o.claims.common import (
    Curves,
    Decision,
    checked,
    claim,
    every,
    keyed,
    listed,
    lowest,
    without_diverged,
)
from l2o.figures.common import check_columns, shifts
from l2o.figures.numbers import significant

LAST = 1000  # published iterations; the first is the start
TITLES = {"n2": "n = 2", "n10": "n = 10"}
ANALYTIC = ("adam", "rmsprop", "gd_line_search", "nag")
RECURRENT = ("l2o_dm", "l2o_enhanced", "l2o_rnnprop", "l2o_scale")
METHODS = (*ANALYTIC, *RECURRENT, "l2o_swarm")
EARLY = 3  # "early on": two steps; the published losses cross between iterations 3 and 10
# "Similar", "slightly", "about as": the paper calls losses between 5.5 and 6.0 similar, 9 % apart.
SIMILAR = 0.10
# "Converges": where 90 % of the way from the start to its own end is behind a method.
COVERED = 0.90


def read(tables: Mapping[str, pd.DataFrame]) -> Curves:
    """Return the curves of Figure 7, counted as the paper counts, and the minima if given.

    ``tables`` has ``curves`` and perhaps ``optima``.

    Raises
    ------
    InputError : see :func:`l2o.claims.common.checked`; or the minima lack a column.
    """
    values = ["loss", "loss_low", "loss_high"]
    table = checked("figure 7 curves", tables["curves"], "iteration", values)
    table = without_diverged(table, "loss")
    optima = tables.get("optima", pd.DataFrame({"setting": [], "minimum": []}))
    check_columns("figure 7 optima", optima, ["setting", "minimum"])
    minima = dict(zip(optima["setting"], optima["minimum"].astype(float), strict=True))
    return Curves(keyed(table, table["iteration"] + shifts(table)), "loss", TITLES, minima)


def _minimum(curves: Curves, setting: str) -> str:
    known = curves.oracles.get(setting)
    return "" if known is None else f" (minimum {significant(known)})"


@claim(
    *(18, "fig7", "Adam and RMSProp start a little faster than GD and NAG with line search."),
    f"In both sizes the mean loss of the first two is below that of the other two at iteration "
    f"{EARLY}.",
)
def adaptive_methods_start_faster(curves: Curves) -> Decision:
    parts = []
    for setting, title in TITLES.items():
        losses = curves.all_at(setting, ANALYTIC, EARLY)
        adaptive, searched = np.reshape(list(losses.values()), (2, 2)).sum(axis=1)
        parts.append((adaptive < searched, f"{title}: {listed(losses, significant)}"))
    holds, text = every(parts)
    return bool(holds), f"at iteration {EARLY}, {text}"


@claim(
    *(19, "fig7", "Analytic optimizers end about equal for n = 2; for n = 10 NAG is a bit ahead."),
    f"n = 2: the highest of their four final losses is at most {SIMILAR:.0%} above the lowest; "
    f"n = 10: NAG has the lowest, at most {SIMILAR:.0%} below the next.",
)
def analytic_methods_end_alike(curves: Curves) -> Decision:
    two, ten = (curves.all_at(setting, ANALYTIC, LAST) for setting in TITLES)
    alike = max(two.values()) <= (1 + SIMILAR) * min(two.values())
    best, _ = lowest(ten, "nag", significant)
    slightly = ten["nag"] >= (1 - SIMILAR) * min(v for name, v in ten.items() if name != "nag")
    ends = zip(TITLES.items(), (two, ten), strict=True)
    texts = (f"{title}{_minimum(curves, s)}: {listed(v, significant)}" for (s, title), v in ends)
    return alike and best and slightly, "; ".join(texts)


@claim(
    *(20, "fig7", "L2O-DM, -enhanced, -RNNprop and -Scale do about what analytic ones do."),
    f"In both sizes each final loss lies between the lowest and the highest of the four analytic "
    f"ones, or within {SIMILAR:.0%} of one of them.",
)
def recurrent_methods_end_alike(curves: Curves) -> Decision:
    parts = []
    for setting, title in TITLES.items():
        ends = curves.all_at(setting, RECURRENT, LAST)
        analytic = curves.all_at(setting, ANALYTIC, LAST).values()
        low, high = min(analytic), max(analytic)
        alike = all((1 - SIMILAR) * low <= v <= (1 + SIMILAR) * high for v in ends.values())
        span = f"analytic {significant(low)} to {significant(high)}"
        parts.append((alike, f"{title}: {listed(ends, significant)} ({span})"))
    return every(parts)


def _spread(curves: Curves, methods: tuple[str, ...]) -> float:
    """Return the mean over methods of their range over the starts for n = 10, per loss."""
    ranges = []
    for method in methods:
        low, high, loss = (curves.at("n10", method, LAST, c) for c in ("loss_low", "loss_high", ""))
        finite = np.isfinite([low, high, loss]).all()
        ranges.append((high - low) / abs(loss) if finite and loss else np.inf)
    return float(np.mean(ranges))


@claim(
    *(21, "fig7", "n = 10: L2O-enhanced leads the recurrent ones; their error bars are wide."),
    "L2O-enhanced has the lowest final loss of the four, and the range over the starts, relative "
    "to the loss, is on average wider for these four than for the four analytic ones.",
)
def enhanced_leads_with_wide_bars(curves: Curves) -> Decision:
    best = lowest(curves.all_at("n10", RECURRENT, LAST), "l2o_enhanced", significant)
    ours, theirs = (_spread(curves, methods) for methods in (RECURRENT, ANALYTIC))
    wide = (ours > theirs, f"mean range {ours:.1%} of the loss, analytic {theirs:.1%}")
    return every([best, wide])


def _covered_at(curves: Curves, setting: str, method: str) -> float:
    start, end = curves.curve(setting, method).iloc[0], curves.at(setting, method, LAST)
    return curves.first_below(setting, method, start - COVERED * (start - end))


@claim(
    *(22, "fig7", "L2O-Swarm ends lowest, above all for n = 10, and takes longer to get there."),
    "In both sizes it has the lowest final loss of the paper's nine optimizers, by a larger share "
    f"for n = 10, and {COVERED:.0%} of its way down takes it longer than most of the others.",
)
def swarm_ends_lowest(curves: Curves) -> Decision:
    parts, margins = [], []
    for setting, title in TITLES.items():
        ends = curves.all_at(setting, METHODS, LAST)
        best, text = lowest(ends, "l2o_swarm", significant)
        margins.append(1 - ends["l2o_swarm"] / min(ends[method] for method in METHODS[:-1]))
        taken = {method: _covered_at(curves, setting, method) for method in METHODS}
        faster = sum(taken[method] < taken["l2o_swarm"] for method in METHODS)
        slow = faster > len(METHODS[:-1]) / 2
        text = f"{title}{_minimum(curves, setting)}: {text}, {faster} of 8 converge faster"
        parts.append((best and slow, text))
    holds, text = every(parts)
    return holds and margins[1] > margins[0], text
