"""Figure 7 of the paper: the objective on Rastrigin functions, against iterations and effort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from l2o.figures.compared import Cell, Compared, Text
from l2o.figures.comparison import Rule, compare, metrics
from l2o.figures.intake import named_table, our_curves, readings
from l2o.figures.measure import Level, Measure
from l2o.figures.numbers import NOTHING, rounded, signed, significant
from l2o.figures.overlay import overlay_pages
from l2o.figures.standard import Standard
from l2o.figures.style import print_style
from l2o.figures.wording import (
    as_drawn_blocks,
    by_setting,
    compared_at,
    counted,
    failures,
    ours_text,
    recipe_blocks,
    rule_text,
)
from l2o.variants import MAIN

LOSS = Measure(
    value="loss",
    label="Objective f",
    what="Objective f of runs on the test instances from random starts.",
    xlabel="Iteration (1: the start, as the paper counts)",
    rounding=lambda value: rounded(value, 4),
)
EFFORT = replace(LOSS, x="evaluations", xlabel="Evaluations: function values and gradients")
GAP = replace(LOSS, value="gap", median="", low="", high="", rounding=rounded)
REPORT = Standard(
    LOSS,
    others=(EFFORT,),
    reading="Published values are read off a picture, good to between 1 % and 5 %.",
    rule=Rule(tolerance=0.05),
)
# Drawn first: instances have minima of their own, so that medians of f tell little.
EXCESS = replace(
    GAP,
    label="f − minimum",
    what="f less the minimum of the instance, of runs on the test instances from random starts.",
    bottom=1e-4,
)
DRAWN = Standard(EXCESS, others=(replace(EXCESS, x=EFFORT.x, xlabel=EFFORT.xlabel),))
GAPS = Standard(
    replace(GAP, label="f − minimum"),
    tails={"gap": "mean", "gap_median": "median"},
    reached="f − minimum",
)
CONTEST = GAPS.contest
profiles_figure, cost_figure = GAPS.profiles, GAPS.cost
_OPTIMA = ("instances", "minimum", "proven", "expected_minimum", "minimum_error", "oracle")
_OPTIMA += ("oracle_above", "oracle_largest_excess")
_COLUMNS = (
    *("setting", "method", "variant", "kind", "label", "iteration", "loss", "gap"),
    *("paper_iteration", "paper_loss", "paper_gap", "paper_gap_error", "reading", "ratio"),
    *("verdict", "runs", "failed", "over_adam", "paper_over_adam", "curve_ratio", "status"),
)


def figure(tables, published, about):
    """Return the pages: all gaps against iterations and evaluations, then the published curves."""
    pages = DRAWN.figure(tables, None, about, foot=_minima(tables, about))
    curves, paper = our_curves(tables, about, LOSS), readings(published, about, LOSS.x, LOSS.value)
    shown = REPORT.shown_rows(REPORT.compared(tables, published, about))
    with print_style():
        return pages + overlay_pages(curves, paper, shown, about, LOSS, REPORT.reading)


def levels(tables, about):
    """Return, for curves of f, the lines of the minimum and of the paper's oracle, by setting."""
    return {
        setting: [
            Level("Run-and-Inspect", row["oracle"], strong=False),
            Level("Minimum, mean", row["minimum"]),
        ]
        for setting, row in _optima(tables, about).iterrows()
    }


def _minima(tables, about):
    """Return what is known of the minima, and how far Run-and-Inspect is off."""
    told = []
    for setting, row in _optima(tables, about).iterrows():
        count = row["instances"]
        off = "Run-and-Inspect, the paper's oracle, finds them all"
        if row["oracle_above"] > 0:
            excess = significant(row["oracle"] - row["minimum"])
            off = (
                f"Run-and-Inspect, the paper's oracle, is above it on "
                f"{100 * row['oracle_above']:.3g} % of them, by {excess} on average over all and "
                f"by {significant(row['oracle_largest_excess'])} at most"
            )
        proven = f"proven for {row['proven'] * count:,.0f} of {count:,.0f} instances"
        told.append(f"{about.titles[setting]}: {proven}; {off}")
    return f"Minima ({'. '.join(told)})."


def _optima(tables, about):
    return named_table(tables, about, "optima", _OPTIMA).set_index("setting")


def table(tables, published, about):
    """Return the comparison of gaps to the minimum, and of objectives less Adam's."""
    rows = _rows(tables, published, about)
    main = rows[rows["variant"] == MAIN]
    at = compared_at(main, "iteration")
    over_adam = (
        Text(
            "Mean objective less that of Adam on the same instances, ours / published, at the same "
            "iteration: the error that the published gaps share is not in these differences."
        ),
        by_setting(main, about.titles, lambda row: Cell(_over_adam(row))),
    )
    blocks = [
        Text(f"Gap to the minimum, ours / published ± standard error, at {at}. Lower is better."),
        Text(_explanation(rows)),
        Text(_minima(tables, about)),
        by_setting(main, about.titles, lambda row: Cell(_gaps(row), row["verdict"])),
        Text(f"{counted(rows)} {rule_text(REPORT.rule)}"),
        *failures(rows, about),
        *(over_adam if main["over_adam"].notna().any() else ()),
        *as_drawn_blocks(rows, about, _gaps),
        *recipe_blocks(rows, about, _gaps),
        *GAPS.ends(tables, rows, about),
    ]
    return Compared(rows, blocks, metrics(rows, "gap", "failed"))


def _rows(tables, published, about):
    """Return the comparison of gaps, with the objectives that they come from."""
    optima = _optima(tables, about)
    paper = readings(published, about, LOSS.x, LOSS.value)
    expected = paper["panel"].map(optima["expected_minimum"])
    gaps = compare(tables, paper.assign(gap=paper["loss"] - expected), about, GAP, REPORT.rule)
    losses = compare(tables, paper, about, LOSS)
    rows = gaps.assign(**losses[["loss", "paper_loss", "curve_ratio"]])
    rows["ratio"] = (rows["gap"] / rows["paper_gap"].where(rows["paper_gap"] > 0)).map(rounded)
    error = rows["setting"].map(optima["minimum_error"]).map(rounded)
    rows["paper_gap_error"] = error.where(rows["paper_gap"].notna())
    keys = ["panel", "method", "iteration"]
    words = paper.set_index(keys)["reading"].to_dict() if "reading" in paper else {}
    places = rows[["setting", "method", "paper_iteration"]].itertuples(index=False, name=None)
    rows["reading"] = [words.get(place, "") for place in places]
    adam = rows[(rows["method"] == "adam") & (rows["variant"] == MAIN)].set_index("setting")
    for column, loss in (("over_adam", "loss"), ("paper_over_adam", "paper_loss")):
        rows[column] = (rows[loss] - rows["setting"].map(adam[loss])).map(rounded)
    return rows[list(_COLUMNS)]


def _gaps(row):
    """Return "ours / published ± its error"; "~" is in front of an estimate."""
    ours = ours_text(row, row["gap"], significant)
    if np.isnan(row["paper_gap"]):
        return f"{ours} / {NOTHING}"
    paper, error = significant(row["paper_gap"]), significant(row["paper_gap_error"], 2)
    return f"{ours} / {_guess(row)}{paper} ± {error}"


def _over_adam(row):
    ours, paper = row["over_adam"], row["paper_over_adam"]
    told = NOTHING if np.isnan(ours) else signed(ours)
    told = "diverged" if row["status"] == "diverged" else told
    return f"{told} / {NOTHING if np.isnan(paper) else _guess(row) + signed(paper)}"


def _guess(row):
    return "~" if row["reading"] == "estimate" else ""


def _explanation(rows):
    guesses = (rows["reading"] == "estimate").any()
    return (
        "Gap: mean of f over test instances and starts, less the mean minimum. The paper's test "
        "instances are not ours: its gap is taken to the expected minimum of the family, and ± is "
        "the standard error of the mean minimum of as many instances, one error that all methods "
        "of a setting share. "
        + REPORT.reading
        + (" ~: hidden in the picture and estimated, good to some 10 %." if guesses else "")
    )
