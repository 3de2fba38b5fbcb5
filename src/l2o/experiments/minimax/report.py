"""Minimax problems: distances to the nearest solution against gradients, and what nets learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from l2o.figures.common import LEARNED
from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.comparison import Rule
from l2o.figures.intake import named_table
from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, percent, rounded, significant
from l2o.figures.standard import Standard
from l2o.figures.wording import by_setting

PANELS = 6  # of a page
SOLVED = 1e-8  # a distance that counts as none
DISTANCE = Measure(
    value="loss",
    label="Distance to the nearest solution",
    what=(
        "Distance: |x − x*| + |y − y*|, 1-norms, to the nearest solution; of singular games the "
        "duality gap, where no coordinate may go further than 1 from x*, y*."
    ),
    x="evaluations",
    xlabel="Gradients of f (by x and y: one)",
    bottom=1e-9,
    rounding=rounded,
)
REPORT = Standard(
    DISTANCE,
    reading="Published values are labels of a figure, and about x alone; ours are about x and y.",
    rule=Rule(),
    tails={"loss": "mean", "loss_median": "median", "loss_p99": "99th percentile"},
)


def figure(tables, published, about):
    """Return the pages, of six settings each."""
    settings, pages = [*about.titles], []
    for first in range(0, len(settings), PANELS):
        titles = {name: about.titles[name] for name in settings[first : first + PANELS]}
        pages += REPORT.figure(tables, None, replace(about, titles=titles))
    return pages


def table(tables, published, about):
    """Return the comparison, who comes near first, and what is measured of learned methods."""
    found = REPORT.table(tables, published, about)
    blocks = [*found.blocks, *_reached(tables, about)]
    if "untrained" in tables:
        blocks += [*_trained(tables, about), *_transferred(tables, about)]
        blocks += _guarded(tables, about)
    return Compared(found.rows, blocks, found.metrics)


def _reached(tables, about):
    """Return the gradients after which the median is solved, and the lowest medians."""
    columns = ("method", "label", "kind", "evaluations", "loss_median")
    curves = named_table(tables, about, "curves", columns)
    solved = curves[curves["loss_median"] <= SOLVED]
    first = solved.groupby(["setting", "method"])["evaluations"].min()
    ends = curves.drop_duplicates(["setting", "method"], keep="last")
    ends = ends.assign(first=[first.get(key, np.inf) for key in _keys(ends)])
    best = ends.groupby("setting")["first"].transform("min")
    ends = ends.assign(best=(ends["first"] == best) & np.isfinite(best))

    def cell(row):
        text = f"{row['first']:,.0f}" if np.isfinite(row["first"]) else NOTHING
        return Cell(text, "met" if row["best"] else "", significant(row["loss_median"], 2))

    words = (
        f"Gradients until the median is at most {significant(SOLVED, 1)}, fewest in bold; beside "
        "it the median at the end."
    )
    return [Text(words), by_setting(ends, about.titles, cell), Text(_winners(ends, about))]


def _keys(rows):
    return rows[["setting", "method"]].itertuples(index=False, name=None)


def _winners(ends, about):
    """Return where a learned method is the first, and where a hand-made one is."""
    told = []
    for setting, rows in ends.groupby("setting", sort=False):
        # Who solves it first; if nobody does, whose median is lowest.
        best = rows.sort_values(["first", "loss_median"], kind="stable").iloc[0]
        word = "learned" if best["kind"] in LEARNED else "hand-made"
        told.append(f"{about.titles[setting]}: {best['label']} ({word})")
    return f"First to solve it, or else nearest at the end: {'; '.join(told)}."


def _trained(tables, about):
    """Return medians of nets as they are drawn beside those of trained ones."""
    columns = ("method", "label", "loss", "loss_median")
    before = named_table(tables, about, "untrained", columns)
    after = named_table(tables, about, "finals", columns).set_index(["setting", "method"])

    def cell(row):
        end = after.loc[(row["setting"], row["method"])]
        pairs = [(row[of], end[of]) for of in ("loss_median", "loss")]
        return Cell("; ".join(f"{_short(a)} → {_short(b)}" for a, b in pairs))

    words = "Untrained → trained, at the end: medians; means."
    return [Text(words), by_setting(before, about.titles, cell)]


def _transferred(tables, about):
    """Return what nets trained on one range are worth on the others, beside those trained there."""
    moved = tables["transfer"]
    titles = {name: about.titles[name] for name in moved["setting"].unique()}
    own = tables["finals"].set_index(["setting", "method"])["loss_median"]

    def cell(row):
        return Cell(f"{_short(row['loss_median'])} / {_short(own[row['setting'], row['method']])}")

    words = f"Trained on {about.facts['transferred']} / trained there: medians at the end."
    return [Text(words), by_setting(moved, titles, cell)]


def _guarded(tables, about):
    """Return learned methods with and without the safeguard, and how often it is taken."""
    rows = tables["safeguard"]
    titles = {name: about.titles[name] for name in rows["setting"].unique()}
    lines = []
    for _, own in rows.groupby("method", sort=False):
        cells = []
        for setting in titles:
            two = own[own["setting"] == setting].set_index("variant")
            off, on = two.loc["main"], two.loc["safeguarded"]
            part = percent(on["safe_steps"] / on["steps"])
            texts = (f"{_short(off[of])} → {_short(on[of])}" for of in ("loss_median", "loss"))
            cells.append(Cell(f"{'; '.join(texts)}; {part}"))
        lines.append((own["label"].iloc[0], cells))
    words = (
        "Without → with the safeguard, at the same number of gradients (it asks for three more in "
        "every step): medians; means; part of the steps that are Halpern's."
    )
    return [Text(words), Grid(("method", *titles.values()), lines)]


def _short(value):
    return significant(value, 2)
