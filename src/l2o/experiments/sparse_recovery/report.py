"""Figure 5 of the paper: NMSE against the layer of nets in sparse-recovery settings."""

from __future__ import annotations

import math
from dataclasses import replace

from l2o.figures.comparison import Rule
from l2o.figures.measure import Measure
from l2o.figures.numbers import decibels
from l2o.figures.standard import Standard

READING_DB = 0.3  # how well the published curves could be read, see data/reference/README.md

NMSE = Measure(
    x="layer",
    xlabel="Layer (0: the start, x = 0)",
    value="nmse_db",
    median="nmse_median_db",
    low="nmse_q25_db",
    high="nmse_q75_db",
    label="NMSE (dB)",
    what="NMSE: ‖x − x*‖² / ‖x*‖² of each test sample, in dB.",
    unit=" dB",
    log=False,
    bottom=-math.inf,
    top=6.0,  # the start is at 0 dB
    text=decibels,
    rounding=lambda value: round(value, 2) + 0.0,
)
REPORT = Standard(
    NMSE,
    reading=(
        f"Published values are read off a picture, good to {READING_DB} dB, and have a floor of "
        "−90 dB, 1e-10 being added to both parts of the ratio; ours have none."
    ),
    rule=Rule(ends=True, margin=READING_DB),
    second="nmse_pooled_db",
    words=("mean", "pooled"),
    tails={"nmse_db": "mean", "nmse_pooled_db": "pooled", "nmse_p99_db": "99th percentile"},
    reached="NMSE (dB)",
)
CONTEST = REPORT.contest
profiles_figure, cost_figure = REPORT.profiles, REPORT.cost


def figure(tables, published, about):
    """Return the pages: all curves, and those that the paper has against them."""
    return REPORT.figure(tables, published, about)


def table(tables, published, about):
    """Return the comparison of last layers, with the difference in dB."""
    compared = REPORT.table(tables, published, about)
    rows = compared.rows.drop(columns=["ratio", "curve_ratio"])
    rows["difference_db"] = (rows["nmse_db"] - rows["paper_nmse_db"]).round(2) + 0.0
    return replace(compared, rows=rows)
