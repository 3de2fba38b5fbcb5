"""Solvers of single LASSO instances on the clock: celer, and the one that certifies the optima.

They take the instances one after the other, as their libraries offer it; methods that step through
all of them as one batch stand beside them by seconds alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from l2o.evaluation.clock import fastest
from l2o.evaluation.lasso import final_row
from l2o.evaluation.runs import Contestant
from l2o.optimizees.lasso_optimum import RELATIVE_GAP, lasso_objective, lasso_optimum

CELER = Contestant("celer", "classical", "celer (one instance after the other)")
CERTIFIED = Contestant("certified", "oracle", "Certified optimum")


def exact_rows(
    A: np.ndarray, b: np.ndarray, lam: float, optimum: np.ndarray, tolerances: Sequence[float]
) -> list[dict[str, Any]]:
    """Return a row for celer at each tolerance, then one for the certified optimum.

    ``iteration`` counts the tolerances from 1; ``seconds`` are for all instances together,
    ``relative_loss`` and its quartiles as in :func:`l2o.evaluation.lasso.final_row`.

    Parameters
    ----------
    A : dictionary, (m, n) float64
    b : measurements, (samples, m) float64
    lam : weight of the 1-norm
    optimum : certified f*, (samples,)
    tolerances : of celer, on the duality gap relative to ||b||^2
    """
    celer_solutions(A, b[:1], lam, tolerances[0])  # what is done once, such as its import
    start, rows = lasso_objective(A, b, lam, np.zeros((len(b), A.shape[1]))), []
    start = np.nextafter(start, np.inf)  # who is at the optimum from the start does not fail

    def add(who: Contestant, tolerance: float, seconds: float, objective: np.ndarray) -> None:
        excess = np.stack([start, objective])[:, None] - optimum
        told = final_row(who, excess, optimum)
        taken = {"iteration": len(rows) + 1, "tolerance": tolerance, "seconds": seconds}
        rows.append(told | taken | {"batch": len(b)})

    for tolerance in tolerances:
        ((x, seconds),) = fastest([partial(celer_solutions, A, b, lam, tolerance)])
        add(CELER, tolerance, seconds, lasso_objective(A, b, lam, x))
    ((optima, seconds),) = fastest([partial(lasso_optimum, A, b, lam)])
    add(CERTIFIED, RELATIVE_GAP, seconds, optima.objective)
    return rows


def celer_solutions(A: np.ndarray, b: np.ndarray, lam: float, tolerance: float) -> np.ndarray:
    """Return what celer finds for each of b, (samples, n).

    Where it stops before the tolerance, its warning is dropped: the loss tells.

    Source: Massias, Gramfort & Salmon 2018.
    """
    from celer import celer_path

    columns, m = np.asfortranarray(A), len(A)
    found = np.empty((len(b), A.shape[1]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*did not converge")
        for row, at in zip(b, found, strict=True):
            # Its objective is f / m.
            path = celer_path(columns, row, "lasso", alphas=[lam / m], tol=tolerance)
            at[:] = path[1][:, 0]
    return found
