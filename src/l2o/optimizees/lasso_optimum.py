"""Optima of LASSO instances with a certificate: the duality gap.

FISTA with restarts finds the support; on it the optimality condition is a linear system, whose
solution is exact up to rounding. The dual problem, maximise 0.5 ||b||^2 - 0.5 ||b - theta||^2 where
||A^T theta||_inf <= lam, bounds the optimum from below at theta = the residual, scaled to be
feasible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l2o.errors import InputError

RELATIVE_GAP = 1e-10  # largest one that certifies an optimum
_CHUNK = 2048  # instances solved at once, for memory
_ROUNDS = (200, 1000, 5000, 25_000)  # iterations of FISTA before each attempt at a certificate


@dataclass(frozen=True)
class Optima:
    """Minimisers x, (samples, n), their objectives and relative duality gaps, (samples,)."""

    x: np.ndarray
    objective: np.ndarray
    gap: np.ndarray


def lasso_objective(A: np.ndarray, b: np.ndarray, lam: float, x: np.ndarray) -> np.ndarray:
    """Return 0.5 ||A x - b||^2 + lam ||x||_1 of each row, (samples,)."""
    residual = b - x @ A.T
    return 0.5 * np.square(residual).sum(axis=1) + lam * np.abs(x).sum(axis=1)


def relative_gap(A: np.ndarray, b: np.ndarray, lam: float, x: np.ndarray) -> np.ndarray:
    """Return (primal - dual) / primal of each row, (samples,): f(x) is that close to optimal."""
    residual = b - x @ A.T
    largest = np.abs(residual @ A).max(axis=1)
    theta = residual * np.minimum(1.0, lam / np.maximum(largest, np.finfo(float).tiny))[:, None]
    primal = lasso_objective(A, b, lam, x)
    dual = (theta * (b - 0.5 * theta)).sum(axis=1)
    # All zero: b = 0 and x = 0, which is the optimum.
    return (primal - dual) / np.where(primal > 0, primal, 1.0)


def lasso_optimum(A: np.ndarray, b: np.ndarray, lam: float) -> Optima:
    """Return optima that are certified to a relative gap of 1e-10, computed in float64.

    Parameters
    ----------
    A : (m, n)
    b : (samples, m)
    lam : weight of the 1-norm, above 0

    Raises
    ------
    InputError : an instance kept a larger gap (ill-conditioned beyond float64).
    """
    A, b = np.asarray(A, np.float64), np.asarray(b, np.float64)
    chunks = [_solved(A, b[at : at + _CHUNK], lam) for at in range(0, len(b), _CHUNK)]
    x = np.concatenate([*chunks, np.empty((0, A.shape[1]))])
    gap = relative_gap(A, b, lam, x)
    if (gap > RELATIVE_GAP).any():
        worst = int(gap.argmax())
        problem = f"instance {worst} cannot be certified: relative duality gap {gap[worst]:.1e}"
        raise InputError("LASSO", f"lam {lam:g}", problem, "raise lam")
    return Optima(x, lasso_objective(A, b, lam, x), gap)


def lasso_optima(A: np.ndarray, b: np.ndarray, lam: float) -> Optima:
    """Return certified optima as :func:`lasso_optimum`, where every instance has its own A.

    Parameters
    ----------
    A : (samples, m, n)
    b : (samples, m)
    lam : weight of the 1-norm, above 0

    Raises
    ------
    InputError : as :func:`lasso_optimum`.
    """
    each = [lasso_optimum(*pair, lam) for pair in zip(A, b[:, None], strict=True)]
    parts = zip(*((one.x, one.objective, one.gap) for one in each), strict=True)
    return Optima(*map(np.concatenate, parts))


def _solved(A: np.ndarray, b: np.ndarray, lam: float) -> np.ndarray:
    x = np.zeros((len(b), A.shape[1]))
    open_rows = np.arange(len(b))
    for iterations in _ROUNDS:
        rough = restarted_fista(A, b[open_rows], lam, x[open_rows], iterations)
        exact = np.stack(
            [_on_support(A, *row, lam) for row in zip(b[open_rows], rough, strict=True)]
        )
        candidates = np.stack([rough, exact])
        gaps = np.stack([relative_gap(A, b[open_rows], lam, c) for c in candidates])
        x[open_rows] = candidates[gaps.argmin(axis=0), np.arange(len(open_rows))]
        open_rows = open_rows[gaps.min(axis=0) > RELATIVE_GAP]
        if not len(open_rows):
            break
    return x


def _on_support(A: np.ndarray, b: np.ndarray, x: np.ndarray, lam: float) -> np.ndarray:
    """Solve A_S^T A_S x_S = A_S^T b - lam sign(x_S) on the support S of x; keep x if signs flip."""
    support = np.flatnonzero(x)
    if not len(support):
        return x
    columns = A[:, support]
    sign = np.sign(x[support])
    # Through the factor of A_S rather than A_S^T A_S, whose condition is squared.
    q, r = np.linalg.qr(columns)
    if len(support) > len(b) or np.abs(np.diag(r)).min() < 1e-9:
        return x
    values = np.linalg.solve(r, q.T @ b - lam * np.linalg.solve(r.T, sign))
    if (np.sign(values) != sign).any():
        return x
    exact = np.zeros_like(x)
    exact[support] = values
    return exact


def restarted_fista(
    A: np.ndarray, b: np.ndarray, lam: float, x: np.ndarray, iterations: int
) -> np.ndarray:
    """Run FISTA from x, (samples, n), restarting a row's momentum where it points uphill.

    Source: Beck & Teboulle 2009; restarts: O'Donoghue & Candes 2015, the gradient scheme.
    """
    step = 1.0 / np.linalg.norm(A, 2) ** 2
    y, t = x, np.ones((len(x), 1))
    for _ in range(iterations):
        v = y + step * ((b - y @ A.T) @ A)
        new = v - np.clip(v, -step * lam, step * lam)
        uphill = ((y - new) * (new - x)).sum(axis=1, keepdims=True) > 0
        t = np.where(uphill, 1.0, t)
        following = (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
        y = new + np.where(uphill, 0.0, (t - 1.0) / following) * (new - x)
        x, t = new, following
    return x
