"""Figure 2 of the paper: NMSE against the layer, unrolled networks beside ISTA and FISTA."""

from __future__ import annotations

from l2o.figures.comparison import Rule
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
    """Return the errors at the last layers; nothing is published."""
    return REPORT.table(up_to_finals(tables, NMSE.x), published, about)
