"""Evaluation on the Rastrigin family: the gap to the oracle, and what the oracle is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from l2o.evaluation.family import Runs
from l2o.evaluation.runs import quartiles

MEAN_COSINE_LOSS = 1.0 - math.sqrt(2.0 / math.pi)  # 1 - E|c|, c from N(0, 1)


def gaps(runs: Runs, oracle: np.ndarray) -> list[dict[str, Any]]:
    """Return the gap to the oracle at each recorded iteration, and its quartiles over all runs.

    Parameters
    ----------
    oracle : lowest known f of each instance, (instances,)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        mean = runs.values.mean(axis=2).mean(axis=1) - oracle.mean()
    spread = quartiles(runs.values - oracle, ("gap_q25", "gap_median", "gap_q75"))
    return [{"gap": gap, **row} for gap, row in zip(mean, spread, strict=True)]


def oracle_summary(
    oracle: Mapping[str, np.ndarray], n: int, alpha: float, starts: int, published_instances: int
) -> dict[str, float]:
    """Return what the oracle says of a test set, and of the instances behind published curves.

    The optimum of other instances of the family is known in expectation: that of the lower bound
    is alpha n (1 - sqrt(2 / pi)) exactly, since E|c| = sqrt(2 / pi), and to it comes the mean of
    oracle - lower bound, which varies far less than the oracle itself. ``oracle_error`` is the
    standard deviation of the mean oracle of as many instances as were published.

    Parameters
    ----------
    oracle : columns ``oracle``, ``lower_bound``, ``agreeing``, ``settled`` and ``grid`` (NaN where
        there is no grid), (instances,)
    n, alpha : of the family
    starts : runs of each instance
    published_instances : number of instances behind a published curve
    """
    best, bound = oracle["oracle"], oracle["lower_bound"]
    expected_bound = alpha * n * MEAN_COSINE_LOSS
    searched = np.isfinite(oracle["grid"])
    above = best[searched] - oracle["grid"][searched]
    return {
        "instances": len(best),
        "starts": starts,
        "oracle": best.mean(),
        "lower_bound": bound.mean(),
        "expected_lower_bound": expected_bound,
        "expected_oracle": expected_bound + (best - bound).mean(),
        "oracle_error": best.std(ddof=1) / math.sqrt(published_instances),
        "agreeing": oracle["agreeing"].mean(),
        "settled": oracle["settled"].mean(),
        "grid_checked": int(searched.sum()),
        "grid_equal": int((np.abs(above) <= 1e-6).sum()),
        "grid_largest_excess": above.max() if len(above) else math.nan,
    }
