"""ALISTA's analytic weights: the matrix of least generalised coherence with a dictionary.

Source: J. Liu, X. Chen, Z. Wang and W. Yin, "ALISTA: Analytic Weights Are As Good As Learned
Weights in LISTA", ICLR 2019, problem (16): minimise ||W^T A||_F^2 subject to w_i^T a_i = 1.
"""

from __future__ import annotations

import numpy as np

# Eigenvalues of A A^T at or below this share of the largest count as zero. It corresponds to
# singular values of A below 1e-6 s_max: far above rounding (about 1e-8 s_max, as A A^T squares
# the condition), far below the smallest true one of a dictionary that recovers anything.
RELATIVE_CUTOFF = 1e-12


def analytic_weights(dictionary: np.ndarray, cutoff: float = RELATIVE_CUTOFF) -> np.ndarray:
    """Return the W that minimises ||W^T A||_F^2 subject to w_i^T a_i = 1 for every column i.

    The problem falls apart into one per column: minimise w^T M w subject to a_i^T w = 1, with
    M = A A^T. Its KKT condition is M w_i = mu_i a_i for some multiplier mu_i. As a_i lies in the
    range of M, whatever the rank of A,

        w_i = M^+ a_i / (a_i^T M^+ a_i),    mu_i = 1 / (a_i^T M^+ a_i)

    solves it: the solution of least norm where A is rank-deficient (there, adding a vector
    orthogonal to every column changes neither W^T A nor the constraint).

    Parameters
    ----------
    dictionary : A, (m, n), no zero columns; computed in float64
    cutoff : eigenvalues of A A^T at or below ``cutoff`` times the largest count as zero

    Returns
    -------
    W, (m, n) float64

    Raises
    ------
    ValueError : a zero column, for which no w_i satisfies the constraint, or one that lies in
        directions below the cut-off.
    """
    a = np.asarray(dictionary, dtype=np.float64)
    values, vectors = np.linalg.eigh(a @ a.T)
    kept = values > cutoff * values[-1]
    projected = vectors[:, kept].T @ a
    scaled = projected / values[kept, None]
    multiplier = np.einsum("ij,ij->j", projected, scaled)  # a_i^T M^+ a_i
    # A column outside the kept range makes the constraint unreachable in it.
    if not (multiplier > 0).all():
        column = int(np.flatnonzero(~(multiplier > 0))[0])
        raise ValueError(f"column {column} of the dictionary is zero or below the cut-off")
    w = vectors[:, kept] @ scaled / multiplier
    # One rounding of the division is left; the constraint is worth another.
    return w / np.einsum("ij,ij->j", w, a)


def kkt_residual(weights: np.ndarray, dictionary: np.ndarray) -> float:
    """Return how far ``weights`` W (m, n) is from ALISTA's optimum for ``dictionary`` A (m, n).

    The larger of two numbers without unit, both zero exactly at the optimum:
    the constraint's, max_i |w_i^T a_i - 1|, and the stationarity's, the largest over i of
    ||M w_i - mu_i a_i|| / (||M||_2 ||w_i||) with M = A A^T and mu_i = a_i^T M w_i / ||a_i||^2, the
    multiplier that fits best. The problem is convex, so this condition suffices.
    """
    w = np.asarray(weights, dtype=np.float64)
    a = np.asarray(dictionary, dtype=np.float64)
    m = a @ a.T
    mw = m @ w
    mu = np.einsum("ij,ij->j", a, mw) / np.einsum("ij,ij->j", a, a)
    scale = np.linalg.norm(m, 2) * np.linalg.norm(w, axis=0)
    stationarity = np.linalg.norm(mw - mu * a, axis=0) / scale
    feasibility = np.abs(np.einsum("ij,ij->j", w, a) - 1.0)
    return float(max(stationarity.max(), feasibility.max()))
