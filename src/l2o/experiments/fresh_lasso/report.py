"""LASSO with an A for each instance: relative excess, iterations and seconds to it, safeguards."""

from __future__ import annotations

import numpy as np

from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.comparison import metrics
from l2o.figures.intake import named_table, whole_table
from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, percent, scientific, significant
from l2o.figures.standard import Standard
from l2o.figures.wording import FAILED, row_name
from l2o.variants import MAIN

EXCESS = Measure(
    value="relative_loss",
    median="median",
    low="q25",
    high="q75",
    label="Relative excess (f − f*) / f*",
    what=(
        "Relative excess: of a median or quartile, (f − f*) / f* of each instance; of a mean, the "
        "mean of f − f* over the mean of f*."
    ),
    bottom=1e-9,
    text=scientific,
)
REPORT = Standard(
    EXCESS,
    headings={
        "classical": "Proximal",
        "first_order": "Subgradient",
        "recurrent": "Learned, subgradient",
    },
    tails={
        "relative_loss": "mean",
        "median": "median",
        "relative_loss_p99": "99th percentile",
    },
)
CONTEST = REPORT.contest
profiles_figure, cost_figure = REPORT.profiles, REPORT.cost
YARDSTICK = "fista"  # whose seconds are 1
GUARDS = {  # columns, by variant
    MAIN: "none",
    "monotone": "monotone FISTA (`--safeguard`)",
    "geometric": "Safe-L2O, geometric",
    "recent": "Safe-L2O, recent term",
    "average": "Safe-L2O, moving average",
}
_SOURCES = {"published": "BSDS500 and Set11", "bundled": "scikit-image"}


def figure(tables, published, about):
    """Return one page, with a panel for each setting."""
    foot = f"Patches are of pictures of {_SOURCES[about.facts['pictures']]}."
    return REPORT.figure(tables, None, about, foot=foot)


def table(tables, published, about):
    """Return ends, iterations and seconds to each target, and what safeguards do."""
    rows = REPORT.compared(tables, None, about)
    last = rows["iteration"].max()
    words = f"{EXCESS.label} after {last:,} iterations. {EXCESS.what} Lower is better."
    blocks = [Text(words), *REPORT.ends(tables, rows, about), *_reached(tables, about)]
    if "safeguards" in tables:
        blocks += _safeguards(tables, about)
    shown = rows.dropna(axis=1, how="all").drop(columns="verdict")
    return Compared(shown, blocks, metrics(rows, EXCESS.value, "failed"))


def _reached(tables, about):
    """Return the median iterations to each target, and their seconds beside those of FISTA."""
    runs = whole_table(tables, about, "runs", ("setting", "method"))
    finals = named_table(tables, about, "finals", ("method", "variant", "kind", "label"))
    seconds = named_table(tables, about, "seconds", ("method", "iteration", "seconds"))
    last = seconds.drop_duplicates(["setting", "method"], keep="last")
    begun = tables.get("untrained", finals[:0])
    each = (last["seconds"] / last["iteration"]).set_axis(_keys(last))
    blocks = []
    for setting, targets in about.targets.items():
        columns = [f"iteration_{number}" for number in range(1, len(targets) + 1)]
        here = runs[runs["setting"] == setting]
        # Who never gets there needs infinitely many; the median is an iteration that was needed.
        needed = here[["method", *columns]].fillna(np.inf).groupby("method", sort=False)
        needed = needed.quantile(0.5, interpolation="higher")
        names = finals[(finals["setting"] == setting) & (finals["variant"] == MAIN)]
        lines = []
        for method, own in names.groupby("method", sort=False):
            cells = []
            for column in columns:
                count = needed.loc[method, column]
                taken = count * each[setting, method]
                rival = np.inf
                if YARDSTICK in needed.index:
                    rival = needed.loc[YARDSTICK, column] * each[setting, YARDSTICK]
                cells.append(_effort(count, taken, rival))
            cost = each[setting, method]
            lines.append((row_name(own), [*cells, Cell(f"{significant(1e3 * cost, 2)} ms")]))
        for _, own in begun[begun["setting"] == setting].iterrows():
            counts = (own[column] for column in columns)
            cells = [Cell(f"{count:,.0f}" if count < np.inf else NOTHING) for count in counts]
            lines.append((f"{own['label']}, untrained", [*cells, Cell(NOTHING)]))
        heads = ("method", *(f"to {target:g}" for target in targets), "an iteration")
        blocks.append(Grid(heads, lines, about.titles[setting]))
    words = (
        f"Iterations until {EXCESS.label} of an instance is at most a target, the median over "
        f"{about.pooled}, and in small print the seconds of as many iterations on all of them at "
        "once, and their ratio to FISTA's. All were timed in turns in one job, without training; "
        f"{NOTHING}: half of the instances are not there at the end. Untrained: as a training "
        "begins, with a constant momentum."
    )
    return [Text(words), *blocks] if blocks else []


def _keys(rows):
    """Return setting and method of each row."""
    return list(zip(rows["setting"], rows["method"], strict=True))


def _effort(count, taken, rival):
    """Return the cell of a target."""
    if not np.isfinite(count):
        return Cell(NOTHING)
    ratio = f", {significant(taken / rival, 2)} × FISTA" if np.isfinite(rival) and rival else ""
    return Cell(f"{count:,.0f}", "", f"{significant(taken, 2)} s{ratio}")


def _safeguards(tables, about):
    """Return values, fallbacks and costs of each safeguard, a table for each setting."""
    columns = ("method", "variant", "kind", "label", "relative_loss", "median", "failed", "runs")
    rows = whole_table(tables, about, "safeguards", ("setting", *columns, "fallbacks", "seconds"))
    blocks = []
    for setting, here in rows.groupby("setting", sort=False):
        plain = here[here["variant"] == MAIN].set_index("method")
        lines = []
        for method, own in here.groupby("method", sort=False):
            own = own.set_index("variant")
            cells = [_guarded(own.loc[name], plain.loc[method]) for name in GUARDS]
            lines.append((row_name(own), cells))
        blocks.append(Grid(("method", *GUARDS.values()), lines, about.titles[setting]))
    last = rows["iteration"].max()
    words = (
        f"Safeguards on the same trained nets, after {last:,} iterations: mean of {EXCESS.label}, "
        f"and the part that failed ({FAILED}); in small print the share of steps in which the "
        "fallback was taken (of monotone FISTA without those in which x stayed), seconds over "
        "those without a safeguard, and gradients and values of f over those without. All in "
        "float64. Without a net ISTA's step is in its place: with monotone FISTA that is all of it."
    )
    return [Text(words), *blocks]


def _guarded(row, plain):
    """Return the cell of a safeguard."""
    text = EXCESS.text(row["relative_loss"])
    text += f", {percent(row['failed'] / row['runs'])} failed" * bool(row["failed"])
    if row.name == MAIN:
        return Cell(text)
    parts = [percent(row["fallbacks"] / row["iteration"])]
    parts += [f"{significant(row[of] / plain[of], 2)} ×" for of in ("seconds", "evaluations")]
    return Cell(text, "", "; ".join(parts))
