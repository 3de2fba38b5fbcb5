"""The classical algorithms once more, in plain numpy, sample by sample, from the equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Hyper = Mapping[str, float]


def lipschitz(A: np.ndarray) -> float:
    """1.001 times the largest eigenvalue of A^T A."""
    return 1.001 * np.linalg.eigvalsh(A.T @ A).max()


def shrink(v: np.ndarray, threshold: float) -> np.ndarray:
    """sign(v) max(|v| - threshold, 0)."""
    return np.sign(v) * np.maximum(np.abs(v) - threshold, 0.0)


def shrink_with_support(v: np.ndarray, threshold: float, percent: float) -> np.ndarray:
    """Shrink v, (n,), but for the largest ``percent`` % of its entries if above the threshold."""
    result = shrink(v, threshold)
    count = int(percent / 100.0 * len(v))
    by_size = sorted(range(len(v)), key=lambda i: abs(v[i]), reverse=True)
    for i in by_size[:count]:
        if abs(v[i]) > threshold:
            result[i] = v[i]
    return result


def analytic_weights(A: np.ndarray) -> np.ndarray:
    """The W of least ||W^T A||_F with w_i^T a_i = 1: one equality-constrained problem a column."""
    m = len(A)
    columns = []
    for a in A.T:
        # KKT system of: minimise w^T A A^T w / 2 subject to a^T w = 1.
        system = np.block([[A @ A.T, -a[:, None]], [a[None, :], np.zeros((1, 1))]])
        columns.append(np.linalg.solve(system, np.append(np.zeros(m), 1.0))[:m])
    return np.array(columns).T


def _thresholded_descent(A, b, iterations, hyper, W, step, shrinker) -> list[np.ndarray]:
    """x+ = shrinker(x + step W^T (b - A x), lam / L, k) for each sample."""
    threshold = hyper["lam"] / lipschitz(A)
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = np.zeros(A.shape[1])
        for k in range(iterations):
            x = shrinker(x + step * (W.T @ (measurement - A @ x)), threshold, k)
            iterates[k, q] = x
    return list(iterates)


def ista(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """Iterative soft-thresholding."""

    def plain(v, threshold, k):
        return shrink(v, threshold)

    return _thresholded_descent(A, b, iterations, hyper, A, 1 / lipschitz(A), plain)


def _selecting(hyper: Hyper) -> Callable:
    def selected(v, threshold, k):
        percent = min(hyper["support_step"] * (k + 1), hyper["support_max"])
        return shrink_with_support(v, threshold, percent)

    return selected


def ista_ss(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """ISTA whose largest entries, more of them in each iteration, are not shrunk."""
    step = 1 / lipschitz(A)
    return _thresholded_descent(A, b, iterations, hyper, A, step, _selecting(hyper))


def analytic_ista_ss(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list:
    """ISTA with support selection, step 1 and analytic weights in place of A / L."""
    W = analytic_weights(A)
    return _thresholded_descent(A, b, iterations, hyper, W, 1.0, _selecting(hyper))


def fista(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """ISTA from an extrapolated point (Beck & Teboulle)."""
    L = lipschitz(A)
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = y = np.zeros(A.shape[1])
        t = 1.0
        for k in range(iterations):
            x_old, t_old = x, t
            x = shrink(y - A.T @ (A @ y - measurement) / L, hyper["lam"] / L)
            t = (1 + np.sqrt(1 + 4 * t_old**2)) / 2
            y = x + (t_old - 1) / t * (x - x_old)
            iterates[k, q] = x
    return list(iterates)


def lasso_value(A: np.ndarray, b: np.ndarray, lam: float, x: np.ndarray) -> float:
    """The objective of one sample."""
    return 0.5 * np.sum((A @ x - b) ** 2) + lam * np.sum(np.abs(x))


def fista_restart(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """Runs of FISTA, each ended by a step that goes against the gradient mapping."""
    L = lipschitz(A)
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x, run = np.zeros(A.shape[1]), []  # the points of the present run
        for k in range(iterations):
            t = [1.0]
            while len(t) < len(run) + 1:
                t.append((1 + np.sqrt(1 + 4 * t[-1] ** 2)) / 2)
            momentum = (t[-2] - 1) / t[-1] if len(run) > 1 else 0.0
            y = x + momentum * (x - run[-2]) if len(run) > 1 else x
            new = shrink(y - A.T @ (A @ y - measurement) / L, hyper["lam"] / L)
            uphill = L * (y - new) @ (new - x) > 0
            run = [new] if uphill else [*run, new]
            x = iterates[k, q] = new
    return list(iterates)


def coordinate_descent(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list:
    """Passes over the coordinates, each put to its minimum."""
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = np.zeros(A.shape[1])
        for k in range(iterations):
            for j, a in enumerate(A.T):
                x[j] = 0.0
                x[j] = shrink(a @ (measurement - A @ x), hyper["lam"]) / (a @ a)
            iterates[k, q] = x
    return list(iterates)


def spectral_ista(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """SpaRSA: Barzilai-Borwein curvatures, doubled until f is below the highest of the last six."""
    L, lam = lipschitz(A), hyper["lam"]
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x, curvature = np.zeros(A.shape[1]), L
        values = [lasso_value(A, measurement, lam, x)]
        for k in range(iterations):
            gradient = A.T @ (A @ x - measurement)
            while True:
                new = shrink(x - gradient / curvature, lam / curvature)
                value, step = lasso_value(A, measurement, lam, new), new - x
                if value <= max(values[-6:]) - 0.005 * curvature * step @ step or curvature == L:
                    break
                curvature = min(2 * curvature, L)
            curvature = L
            if step @ step > 0:
                curvature = min(max((A @ step) @ (A @ step) / (step @ step), 1e-6 * L), L)
            values.append(value)
            x = iterates[k, q] = new
    return list(iterates)


def oracle_ista(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """ISTA with the curvature on the support, where the step stays on it."""
    L, lam = lipschitz(A), hyper["lam"]
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = np.zeros(A.shape[1])
        for k in range(iterations):
            support, gradient = {*np.flatnonzero(x)}, A.T @ (A @ x - measurement)
            on_support = lipschitz(A[:, sorted(support)]) if support else L
            new = shrink(x - gradient / on_support, lam / on_support)
            if not {*np.flatnonzero(new)} <= support:
                new = shrink(x - gradient / L, lam / L)
            x = iterates[k, q] = new
    return list(iterates)


def amp(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """Approximate message passing."""
    m, n = A.shape
    iterates = np.zeros((iterations, len(b), n))
    for q, measurement in enumerate(b):
        x, v = np.zeros(n), np.zeros(m)
        for k in range(iterations):
            v = measurement - A @ x + np.count_nonzero(x) / m * v
            x = shrink(x + A.T @ v, hyper["alpha"] * np.linalg.norm(v) / np.sqrt(m))
            iterates[k, q] = x
    return list(iterates)


def omp(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """Orthogonal matching pursuit, by least squares on the columns chosen so far."""
    m, n = A.shape
    iterates = np.zeros((iterations, len(b), n))
    for q, measurement in enumerate(b):
        chosen, x, residual = [], np.zeros(n), measurement
        for k in range(iterations):
            full = len(chosen) == min(hyper["nonzeros"] or m, m, n)
            least = max(hyper["tolerance"], 8 * np.finfo(float).eps)
            if not full and np.linalg.norm(residual) > least * np.linalg.norm(measurement):
                likeness = np.abs(A.T @ residual)
                likeness[chosen] = 0.0
                chosen.append(int(likeness.argmax()))
                x = np.zeros(n)
                x[chosen] = np.linalg.lstsq(A[:, chosen], measurement)[0]
                residual = measurement - A @ x
            iterates[k, q] = x
    return list(iterates)


REFERENCES = {
    "ista": ista,
    "ista_ss": ista_ss,
    "analytic_ista_ss": analytic_ista_ss,
    "fista": fista,
    "fista_restart": fista_restart,
    "coordinate_descent": coordinate_descent,
    "ista_barzilai_borwein": spectral_ista,
    "oracle_ista": oracle_ista,
    "amp": amp,
    "omp": omp,
}
