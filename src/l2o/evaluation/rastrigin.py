"""Evaluation on the Rastrigin family: the gap to the minimum, and what is known of the minima."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from l2o.evaluation.family import Runs
from l2o.evaluation.runs import quartiles

MEAN_COSINE_LOSS = 1.0 - math.sqrt(2.0 / math.pi)  # 1 - E|c|, c from N(0, 1)
EQUAL = 1e-6  # differences of f up to which two minima are one


def gaps(runs: Runs, lowest: np.ndarray) -> list[dict[str, Any]]:
    """Return the gap to the minimum at each recorded iteration, and its quartiles over all runs.

    Parameters
    ----------
    lowest : minimum of each instance, (instances,)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        mean = runs.values.mean(axis=2).mean(axis=1) - lowest.mean()
    spread = quartiles(runs.values - lowest, ("gap_q25", "gap_median", "gap_q75"))
    return [{"gap": gap, **row} for gap, row in zip(mean, spread, strict=True)]


def optima_summary(
    optima: Mapping[str, np.ndarray], n: int, alpha: float, starts: int, published_instances: int
) -> dict[str, float]:
    """Return what is known of the minima of a test set, and of those behind published curves.

    The minimum of other instances of the family is known in expectation: that of the lower bound
    is alpha n (1 - sqrt(2 / pi)) exactly, since E|c| = sqrt(2 / pi), and to it comes the mean of
    minimum - lower bound, which varies far less than the minimum itself. ``minimum_error`` is the
    standard deviation of the mean minimum of as many instances as were published. ``proven`` is the
    share of proven minima, ``oracle`` the mean of what Run-and-Inspect found, ``oracle_above`` the
    share of instances where that is no minimum.

    Parameters
    ----------
    optima : columns ``minimum``, ``proven``, ``oracle``, ``lower_bound``, ``agreeing``, ``settled``
        and ``grid`` (NaN where there is no grid), (instances,)
    n, alpha : of the family
    starts : runs of Run-and-Inspect on each instance
    published_instances : number of instances behind a published curve
    """
    best, bound = optima["minimum"], optima["lower_bound"]
    expected_bound = alpha * n * MEAN_COSINE_LOSS
    searched = np.isfinite(optima["grid"])
    above, missed = best[searched] - optima["grid"][searched], optima["oracle"] - best
    return {
        "instances": len(best),
        "minimum": best.mean(),
        "proven": optima["proven"].mean(),
        "lower_bound": bound.mean(),
        "expected_lower_bound": expected_bound,
        "expected_minimum": expected_bound + (best - bound).mean(),
        "minimum_error": best.std(ddof=1) / math.sqrt(published_instances),
        "oracle": optima["oracle"].mean(),
        "oracle_above": (missed > EQUAL).mean(),
        "oracle_largest_excess": missed.max(),
        "starts": starts,
        "agreeing": optima["agreeing"].mean(),
        "settled": optima["settled"].mean(),
        "grid_checked": int(searched.sum()),
        "grid_equal": int((np.abs(above) <= EQUAL).sum()),
        "grid_largest_excess": above.max() if len(above) else math.nan,
    }
