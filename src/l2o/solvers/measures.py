"""What solvers are judged by, sample by sample, in dB: lower is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from l2o.metrics import sample_nmse_db
from l2o.optimizees.lasso_optimum import lasso_objective

FLOOR_DB = -150.0  # what float64 cannot tell from exact


class Measure(Protocol):
    """How far solutions are from what they should be."""

    name: str
    fails: str  # what counts as failed, in words

    def errors(self, x: np.ndarray) -> np.ndarray:
        """Return the error of each sample, (samples,) dB, of solutions x, (samples, n)."""
        ...

    def failed(self, errors: np.ndarray) -> np.ndarray:
        """Return which samples failed, (samples,)."""
        ...


@dataclass(frozen=True)
class Recovery:
    """Normalised mean squared error to known signals, (samples, n)."""

    x: np.ndarray
    name = "NMSE"
    fails = "not better than x = 0"

    def errors(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(sample_nmse_db(x, self.x), FLOOR_DB)

    def failed(self, errors: np.ndarray) -> np.ndarray:
        return ~(errors < 0)


@dataclass(frozen=True)
class Suboptimality:
    """(f(x) - f*) / f* of LASSO, f = 0.5 ||A x - b||^2 + lam sum_i d_i |x_i|.

    Parameters
    ----------
    A : (m, n), unit columns
    norms : d, of the columns of the user's dictionary A diag(d), (n,)
    b : (samples, m)
    lam : weight of the 1-norm
    optimum : f*, or a lower bound, above 0, (samples,)
    """

    A: np.ndarray
    norms: np.ndarray
    b: np.ndarray
    lam: float
    optimum: np.ndarray
    name = "(f - f*) / f*"
    fails = "not better than x = 0"

    def errors(self, x: np.ndarray) -> np.ndarray:
        f = lasso_objective(self.A, self.b, self.lam, x.astype(np.float64) * self.norms)
        excess = np.maximum(f - self.optimum, 0.0)  # rounding may take it below
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.maximum(10 * np.log10(excess / self.optimum), FLOOR_DB)

    def failed(self, errors: np.ndarray) -> np.ndarray:
        return ~(errors < self.errors(np.zeros((1, self.A.shape[1]))))
