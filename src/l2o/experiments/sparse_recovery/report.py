"""Figure 5 of the paper: NMSE against the layer of nets in sparse-recovery settings."""

from __future__ import annotations

from dataclasses import replace

from l2o.figures.comparison import Rule
from l2o.figures.intake import limits, up_to_finals
from l2o.figures.nmse import NMSE
from l2o.figures.split import split_figure
from l2o.figures.standard import Standard

READING_DB = 0.3  # how well the published curves could be read, see data/reference/README.md
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

LIMITS = {  # of the table `optima`: name and colour; a coherent dictionary has none
    "amp": ("AMP, n → ∞", "#000000"),
    "vamp": ("VAMP, n → ∞", "#7A7A7A"),
    "fixed_point": ("Bayes limit", "#A8A8A8"),
}
_LIMITS = (
    "n → ∞: state evolution of AMP and VAMP with the prior known, the mean square error of large "
    "problems, which lies above a mean in dB; Bayes limit: where AMP settles."
)


def figure(tables, published, about):
    """Return the pages: the paper's nets and classical methods, its curves, then other nets."""
    bounds, shown = limits(tables, about, NMSE, LIMITS), up_to_finals(tables, NMSE.x)
    beside = ("alista", "bg_amp", "vamp"), _LIMITS * bool(bounds)
    return split_figure(REPORT, shown, published, about, *beside, limits=bounds)


def table(tables, published, about):
    """Return the comparison of last layers, with the difference in dB."""
    compared = REPORT.table(up_to_finals(tables, NMSE.x), published, about)
    rows = compared.rows.drop(columns=["ratio", "curve_ratio"])
    rows["difference_db"] = (rows["nmse_db"] - rows["paper_nmse_db"]).round(2) + 0.0
    return replace(compared, rows=rows)
