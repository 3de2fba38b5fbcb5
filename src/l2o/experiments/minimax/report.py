"""Minimax problems: distances to the nearest solution against gradients, and what nets learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from l2o.figures.compared import Cell, Compared, Grid, Text
from l2o.figures.comparison import metrics
from l2o.figures.intake import named_table
from l2o.figures.measure import Measure
from l2o.figures.numbers import NOTHING, percent, significant
from l2o.figures.standard import Standard
from l2o.figures.wording import pair, row_name, rule_text
from l2o.kinds import LEARNED
from l2o.variants import MAIN

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
    xlabel="Gradients of f (by x and y together: one)",
    bottom=1e-9,
)
REPORT = Standard(
    DISTANCE,
    reading="Published values are labels of a figure, about x alone; ours are about x and y.",
)
_COLUMNS = ("method", "variant", "kind", "label", "loss", "loss_median")


def figure(tables, published, about):
    """Return the pages, of six settings each; published are a few ends, which the table has."""
    settings, pages = [*about.titles], []
    for first in range(0, len(settings), PANELS):
        titles = {name: about.titles[name] for name in settings[first : first + PANELS]}
        pages += REPORT.figure(tables, None, replace(about, titles=titles))
    return pages


def table(tables, published, about):
    """Return means beside what is published, who solves what first, and what nets learned."""
    rows = REPORT.compared(tables, published, about)
    blocks = [*_means(rows, about), *_first(tables, about)]
    if "untrained" in tables:
        blocks += [*_trained(tables, about), *_transferred(tables, about)]
        blocks += _guarded(tables, about)
    return Compared(rows, blocks, metrics(rows, "loss", "failed"))


def _by_method(rows, titles, cell, blank=""):
    """Return a table with a row for each setting and a column for each method."""
    methods = {name: row_name(own) for name, own in rows.groupby("method", sort=False)}
    lines = []
    for setting, title in titles.items():
        cells = {row["method"]: cell(row) for _, row in rows[rows["setting"] == setting].iterrows()}
        lines.append((title, [cells.get(name, Cell(blank)) for name in methods]))
    return Grid(("problem", *methods.values()), lines)


def _means(rows, about):
    """Return means, with the published value where there is one, and the part that failed."""

    def cell(row):
        known = not np.isnan(row["paper_loss"])
        text = pair(row, DISTANCE) if known else pair(row, DISTANCE).rpartition(" / ")[0]
        part = row["failed"] / row["runs"]
        return Cell(text, row["verdict"], f"{percent(part)} failed" if part else "")

    words = (
        f"{DISTANCE.label}, mean after {rows['evaluations'].max():,.0f} gradients: ours, where "
        f"something is published ours / published, and the part of {about.pooled} that failed "
        f"(ended not finite or not below the start). {DISTANCE.what} Lower is better."
    )
    told = f"{rule_text(REPORT.rule)} {REPORT.reading}"
    return [Text(words), _by_method(rows, about.titles, cell), Text(told)]


def _first(tables, about):
    """Return the gradients until the median is solved for good, the end, and who is first."""
    curves = named_table(tables, about, "curves", (*_COLUMNS, "evaluations"))
    places = curves.groupby(["setting", "method"], sort=False)
    first = {place: _solved_from(own) for place, own in places}
    ends = curves.drop_duplicates(["setting", "method"], keep="last")
    pairs = ends[["setting", "method"]].itertuples(index=False, name=None)
    ends = ends.assign(first=[first[one] for one in pairs])
    # Who solves it first, ties as well; where nobody does, whose median is lowest.
    ends["score"] = ends["first"].where(np.isfinite(ends["first"]), 1e9 + ends["loss_median"])
    ends["won"] = ends["score"] == ends.groupby("setting")["score"].transform("min")

    def cell(row):
        text = f"{row['first']:,.0f}" if np.isfinite(row["first"]) else NOTHING
        return Cell(text, "met" if row["won"] else "", _short(row["loss_median"]))

    sides = ends[ends["won"]].assign(learned=lambda rows: rows["kind"].isin(LEARNED))
    sides = sides.groupby("setting")["learned"].mean()
    alone = [title for name, title in about.titles.items() if sides[name] == 1]
    words = (
        f"Gradients from which on the median stays at most {significant(SOLVED, 1)}, and the "
        "median at the end. Bold: the first to solve it, ties as well, or else the lowest median. "
        "Recorded: each of the first iterations, then 24 in a decade."
    )
    who = (
        f"Only learned methods are first in {len(alone)} of {len(about.titles)} "
        f"({'; '.join(alone) or 'none'}), together with others in {(sides % 1 > 0).sum()}."
    )
    return [Text(words), _by_method(ends, about.titles, cell), Text(who)]


def _solved_from(curve):
    """Return the gradients from which on the median of a curve is solved; infinite if it is not."""
    solved = (curve["loss_median"] <= SOLVED).to_numpy()
    stays = solved[::-1].cumprod()[::-1].astype(bool)
    return float(curve["evaluations"].to_numpy()[stays][0]) if stays.any() else np.inf


def _trained(tables, about):
    """Return medians and means of nets as they are drawn, and of trained ones."""
    before = named_table(tables, about, "untrained", ("method", "kind", "label", "loss"))
    after = named_table(tables, about, "finals", _COLUMNS).set_index(["setting", "method"])

    def cell(row):
        end = after.loc[(row["setting"], row["method"])]
        pairs = [(row[of], end[of]) for of in ("loss_median", "loss")]
        return Cell("; ".join(f"{_short(a)} → {_short(b)}" for a, b in pairs))

    words = "Untrained → trained, at the end: medians; means."
    return [Text(words), _by_method(before, about.titles, cell)]


def _transferred(tables, about):
    """Return what nets trained on one range are worth on the others, beside those trained there."""
    moved = tables["transfer"]
    titles = {name: about.titles[name] for name in moved["setting"].unique()}
    own = tables["finals"].set_index(["setting", "method"])

    def cell(row):
        end = own.loc[(row["setting"], row["method"])]
        pairs = [(row[of], end[of]) for of in ("loss_median", "loss")]
        return Cell("; ".join(f"{_short(a)} / {_short(b)}" for a, b in pairs))

    words = f"Trained on {about.facts['transferred']} / trained for it, at the end: medians; means."
    return [Text(words), _by_method(moved, titles, cell)]


def _guarded(tables, about):
    """Return learned methods with and without the safeguard, and how often it is taken."""
    rows = tables["safeguard"]
    titles = {name: about.titles[name] for name in rows["setting"].unique()}
    off, on = (rows[rows["variant"] == name] for name in (MAIN, "safeguarded"))
    off = off.set_index(["setting", "method"])

    def cell(row):
        start, part = off.loc[(row["setting"], row["method"])], row["safe_steps"] / row["steps"]
        pairs = [(start[of], row[of]) for of in ("loss_median", "loss")]
        texts = "; ".join(f"{_short(a)} → {_short(b)}" for a, b in pairs)
        return Cell(f"{texts}; {row['safe_steps']:,.1f} ({percent(part)})")

    words = (
        "Without → with the safeguard, at the same number of gradients (it asks for three more in "
        "every step): medians; means; steps of a run that are Halpern's instead."
    )
    return [Text(words), _by_method(on, titles, cell)]


def _short(value):
    return significant(value, 2)
