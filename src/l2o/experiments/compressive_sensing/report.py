"""Figure 2 of the paper: NMSE against the layer, unrolled networks beside ISTA and FISTA."""

from __future__ import annotations

from l2o.figures.compared import Compared, Text
from l2o.figures.comparison import Rule, metrics
from l2o.figures.intake import up_to_finals
from l2o.figures.nmse import NMSE
from l2o.figures.standard import Standard

REPORT = Standard(
    NMSE,
    rule=Rule(ends=True),
    second="nmse_pooled_db",
    words=("mean", "pooled"),
    tails={"nmse_db": "mean", "nmse_pooled_db": "pooled", "nmse_p99_db": "99th percentile"},
)


def figure(tables, published, about):
    """Return one page: the curves up to the depth of the nets."""
    return REPORT.figure(up_to_finals(tables, NMSE.x), published, about)


def table(tables, published, about):
    """Return the errors at the last layers; there are no published ones to compare them with."""
    shown = up_to_finals(tables, NMSE.x)
    rows = REPORT.compared(shown, published, about)
    depth = f"at layer {rows[NMSE.x].max():,}"
    told = f"{NMSE.label} {depth}. {NMSE.what} Lower is better. No published values are at hand."
    return Compared(
        rows.dropna(axis=1, how="all").drop(columns="verdict"),
        [Text(told), *REPORT.ends(shown, rows, about)],
        metrics(rows, NMSE.value, "failed"),
    )
