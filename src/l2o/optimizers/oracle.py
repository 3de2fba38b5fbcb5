"""The oracle of sparse recovery: least squares with the true support known."""

from __future__ import annotations

import numpy as np


def oracle_estimate(dictionary: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the least-squares estimate on each sample's true support, (samples, n) float64.

    Parameters
    ----------
    dictionary : A, (m, n)
    b : (samples, m)
    x : (samples, n), the true signals, of which only the support is used

    No method that must find the support can be expected below it; with noise it is the floor of
    the plots, without noise it recovers x up to rounding.
    """
    estimate = np.zeros(x.shape)
    for q in range(len(b)):
        support = np.flatnonzero(x[q])
        solution = np.linalg.lstsq(dictionary[:, support], b[q].astype(np.float64), rcond=None)
        estimate[q, support] = solution[0]
    return estimate
