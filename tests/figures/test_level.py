"""Verdicts on differences that tell nothing."""

from __future__ import annotations

import math

import pytest

from l2o.figures.efforts import EFFORTS
from l2o.figures.level import LEVEL, with_level
from l2o.figures.verdict import NO, NONE, YES


def row(ours: float, theirs: float, verdict: str) -> dict:
    first = {f"first_{effort}": theirs for effort in EFFORTS}
    return {"first": ours, **first, **{f"verdict_{effort}": verdict for effort in EFFORTS}}


@pytest.mark.parametrize(
    ("log", "ours", "theirs", "before", "told"),
    [
        (True, 1e-5, 1.02e-5, YES, YES),
        (True, 1e-5, 1.005e-5, YES, LEVEL),
        (True, 1.005e-5, 1e-5, NO, LEVEL),
        (True, 1.02e-5, 1e-5, NO, NO),
        (True, 0.0, 0.0, NO, LEVEL),
        (False, -23.848248, -23.848130, YES, LEVEL),
        (False, -23.87, -23.85, YES, YES),
        (False, -0.001, -0.5, NO, NO),
        (True, math.inf, math.inf, NO, NO),
        (True, 1.0, math.inf, YES, YES),
        (True, 1.0, math.nan, NONE, NONE),
    ],
)
def test_a_hundredth_is_no_lead(log, ours, theirs, before, told):
    found = with_level(row(ours, theirs, before), log)
    assert {found[f"verdict_{effort}"] for effort in EFFORTS} == {told}
