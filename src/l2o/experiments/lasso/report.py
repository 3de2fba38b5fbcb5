"""Figure 6 of the paper: relative loss on LASSO against iterations, and against seconds."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from l2o.errors import InputError
from l2o.figures.common import check_once
from l2o.figures.comparison import Rule
from l2o.figures.intake import named_table
from l2o.figures.measure import Measure
from l2o.figures.numbers import scientific
from l2o.figures.standard import Standard
from l2o.variants import MAIN

LAYERS = 16  # of the nets; what follows is FISTA
LOSS = Measure(
    value="relative_loss",
    median="median",
    low="q25",
    high="q75",
    label="Relative loss (f − f*) / f*",
    what=(
        "Relative loss: of a median or quartile, (f − f*) / f* of each pair of instance and start; "
        "of a mean, the mean of f − f* over the mean of f*."
    ),
    ring="layers",
    ring_label="last learned layer",
    text=scientific,
)
REPORT = Standard(
    LOSS,
    headings={
        "classical": "Proximal",
        "first_order": "Subgradient",
        "unrolled": "Unrolled, continued with FISTA",
    },
    reading=(
        "Published values are read off a picture, most to about 5 %, some to 20 %; those of FISTA "
        "after iteration 400 hang on the published optimum and enter no ratio of curves."
    ),
    rule=Rule(tolerance=0.05, until={"fista": 400}),
    tails={
        "relative_loss": "mean",
        "median": "median",
        "relative_loss_p99": "99th percentile",
    },
    places=(LAYERS, 1000),
)
CONTEST = REPORT.contest
profiles_figure, cost_figure = REPORT.profiles, REPORT.cost
_TIMES = (
    "Times: from one random start, all instances of the set solved as one batch, without training, "
    "on the machine that computed the curves."
)

_MARK = "certified optimum"
_EXACT = (
    " celer solves the instances one after the other, to several tolerances; from x = 0. Upright: "
    "the time of the solver that certifies the optima f*, to a relative duality gap of 1e-10."
)


def figure(tables, published, about):
    """Return the pages: all curves, and those that the paper has against them."""
    return REPORT.figure(tables, published, about)


def table(tables, published, about):
    """Return the comparison at the last published iteration."""
    return REPORT.table(tables, published, about)


def seconds_figure(tables, published, about):
    """Return one page: the curves against wall-clock time, where it was taken."""
    seconds = named_table(tables, about, "seconds", ("method", "iteration", "seconds", "batch"))
    check_once(f"{about.report} seconds", seconds, "iteration")
    batches = seconds.groupby("setting")["batch"].unique()
    for setting, sizes in batches.items():
        if len(sizes) > 1:
            problem = f"batch sizes differ: {', '.join(map(str, sorted(sizes)))}"
            remedy = "time all methods on the same instances"
            raise InputError(f"{about.report} seconds", setting, problem, remedy)
    curves = tables["curves"]
    timed = curves[curves["variant"] == MAIN].merge(seconds, on=["setting", "method", "iteration"])
    count = ", ".join(f"{size:,}" for size in sorted({int(each[0]) for each in batches}))
    measure = replace(LOSS, x="seconds", xlabel=f"Wall-clock time for {count} instances (s)")
    taken = {**tables, "curves": timed[timed["seconds"] > 0]}
    taken, places = _with_exact(taken, about)
    foot = _TIMES + _EXACT * bool(places)
    return replace(REPORT, measure=measure).figure(taken, None, about, foot=foot, places=places)


def _with_exact(tables, about):
    """Return tables with the curve of celer, and the seconds of the certified optima by setting."""
    if "exact_seconds" not in tables:
        return tables, {}
    columns = ("method", "iteration", "seconds", "runs", "failed", "relative_loss", *LOSS.spread)
    exact = named_table(tables, about, "exact_seconds", columns)
    exact = exact.assign(variant=MAIN, layers=0, shift=0, status="converged")
    certified = exact["kind"] == "oracle"
    ends = exact[~certified].drop_duplicates("setting", keep="last")
    added = {
        name: pd.concat([tables[name], rows])
        for name, rows in (("curves", exact[~certified]), ("finals", ends))
    }
    seconds = exact[certified].set_index("setting")["seconds"]
    return tables | added, {setting: {_MARK: at} for setting, at in seconds.items()}
