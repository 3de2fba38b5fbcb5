"""The classical algorithms once more, in plain numpy, sample by sample, from the equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

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


def analytic_ista(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """ISTA with step 1 and analytic weights in place of A / L."""

    def plain(v, threshold, k):
        return shrink(v, threshold)

    return _thresholded_descent(A, b, iterations, hyper, analytic_weights(A), 1.0, plain)


def analytic_ista_ss(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list:
    """ISTA with support selection, step 1 and analytic weights in place of A / L."""
    W = analytic_weights(A)
    return _thresholded_descent(A, b, iterations, hyper, W, 1.0, _selecting(hyper))


def analytic_reweighted_ss(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list:
    """As :func:`analytic_ista_ss`, with thresholds that fall with the size of the entry."""
    W, threshold = analytic_weights(A), hyper["lam"] / lipschitz(A)
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = np.zeros(A.shape[1])
        for k in range(iterations):
            v, by_entry = x + W.T @ (measurement - A @ x), threshold / (1 + abs(x) / hyper["width"])
            count = int(min(hyper["support_step"] * (k + 1), hyper["support_max"]) / 100 * len(v))
            largest = np.argsort(-abs(v))[:count]
            x = shrink(v, by_entry)
            for i in largest:
                x[i] = v[i] if abs(v[i]) > by_entry[i] else 0.0
            iterates[k, q] = x
    return list(iterates)


def analytic_extragradient_ss(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list:
    """As :func:`analytic_ista_ss`, with the residual after a step of its own, without selection."""
    W, selected, threshold = analytic_weights(A), _selecting(hyper), hyper["lam"] / lipschitz(A)
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = np.zeros(A.shape[1])
        for k in range(iterations):
            ahead = shrink(x + W.T @ (measurement - A @ x), threshold)
            x = selected(x + W.T @ (measurement - A @ ahead), threshold, k)
            iterates[k, q] = x
    return list(iterates)


def analytic_relative_ss(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list:
    """As :func:`analytic_ista_ss`, with thresholds in units of the mean of the direction."""
    W, selected = analytic_weights(A), _selecting(hyper)
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = np.zeros(A.shape[1])
        for k in range(iterations):
            d = W.T @ (measurement - A @ x)
            x = selected(x + d, hyper["threshold"] * np.abs(d).mean(), k)
            iterates[k, q] = x
    return list(iterates)


def adaptive_ista(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """HyperLISTA: thresholds, momentum and support as the residual and the iterate say."""
    W, inverse = analytic_weights(A), np.linalg.pinv(A)
    step = min(1.0, 1.25 * A.shape[1] / len(A) / np.linalg.eigvals(W.T @ A).real.max())
    iterates = np.zeros((iterations, len(b), A.shape[1]))
    for q, measurement in enumerate(b):
        x = previous = np.zeros(A.shape[1])
        whole = np.linalg.norm(inverse @ measurement, 1)
        for k in range(iterations):
            residual = measurement - A @ x
            left = np.linalg.norm(inverse @ residual, 1)
            v = x + step * W.T @ residual + hyper["momentum"] * np.count_nonzero(x) * (x - previous)
            percent = 100 * np.clip(hyper["support"] * np.log(whole / left), 0, 1)
            x, previous = shrink_with_support(v, hyper["threshold"] * step * left, percent), x
            iterates[k, q] = x
    return list(iterates)


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


def bernoulli_gaussian(r: np.ndarray, tau2: float, p: float, s: float):
    """E[x | r], Var[x | r] and P(x != 0 | r) of r = x + N(0, tau2); x = 0, or N(0, s) in p."""
    other = norm.logpdf(r, scale=np.sqrt(s + tau2))
    zero = norm.logpdf(r, scale=np.sqrt(tau2))
    share = expit(logit(p) + other - zero)
    mean, spread = s / (s + tau2) * r, s * tau2 / (s + tau2)
    return share * mean, share * (mean**2 + spread) - (share * mean) ** 2, share


def _maximised(r: np.ndarray, tau2: float, p: float, s: float) -> tuple[float, float]:
    """Three steps of expectation maximisation of density and variance."""
    for _ in range(3):
        share = bernoulli_gaussian(r, tau2, p, s)[2]
        squares = (s / (s + tau2) * r) ** 2 + s * tau2 / (s + tau2)
        p = np.clip(share.mean(), 0.1 / len(r), 1 - 0.1 / len(r))
        s = np.average(squares, weights=share)
    return p, s


def _guessed(A: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Density at the phase transition of l1 recovery, and the variance that explains b."""
    m, n = A.shape
    c = np.arange(1, 1000) / 100
    tail = (1 + c**2) * norm.cdf(-c) - c * norm.pdf(c)
    p = min(m / n * ((1 - 2 * n / m * tail) / (1 + c**2 - 2 * tail)).max(), 0.5)
    return p, b @ b * 100 / 101 / (p * np.square(A).sum())


def mixture(r: np.ndarray, tau2: float, density: float, variance: float):
    """E[x | r] and Var[x | r] where x is 0 or, in equal parts, of variances 1 : 10 : 100."""
    variances = variance * np.array([0.0, 0.1, 1.0, 10.0]) / 3.7
    shares = np.array([1 - density, *[density / 3] * 3])
    weights = shares * norm.pdf(r[:, None], scale=np.sqrt(variances + tau2))
    weights /= weights.sum(axis=1, keepdims=True)
    means = r[:, None] * variances / (variances + tau2)
    squares = means**2 + variances * tau2 / (variances + tau2)
    mean = (weights * means).sum(axis=1)
    return mean, (weights * squares).sum(axis=1) - mean**2


def denoised(A, b, iterations, posterior, W, with_onsager) -> list[np.ndarray]:
    """x+ = E[x | r], r = x + W^T v: with the Onsager term and W = A it is AMP."""
    m, n = A.shape
    iterates = np.zeros((iterations, len(b), n))
    for q, measurement in enumerate(b):
        x, v, slope = np.zeros(n), np.zeros(m), 0.0
        for k in range(iterations):
            v = measurement - A @ x + with_onsager * n / m * slope * v
            tau2 = v @ v / m
            x, variance = posterior(x + W.T @ v, tau2)[:2]
            slope = variance.mean() / tau2
            iterates[k, q] = x
    return list(iterates)


def _with_prior(posterior: Callable, analytic: bool) -> Callable:
    def run(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
        def of(r, tau2):
            return posterior(r, tau2, hyper["density"], hyper["variance"])

        W = analytic_weights(A) if analytic else A
        return denoised(A, b, iterations, of, W, not analytic)

    return run


def bg_amp(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """AMP with the posterior mean; without a density in ``hyper`` the prior is estimated."""
    m, n = A.shape
    iterates = np.zeros((iterations, len(b), n))
    for q, measurement in enumerate(b):
        x, v, slope = np.zeros(n), np.zeros(m), 0.0
        known = "density" in hyper
        p, s = (hyper["density"], hyper["variance"]) if known else _guessed(A, measurement)
        for k in range(iterations):
            v = measurement - A @ x + n / m * slope * v
            r, tau2 = x + A.T @ v, v @ v / m
            p, s = (p, s) if known else _maximised(r, tau2, p, s)
            mean, variance, _ = bernoulli_gaussian(r, tau2, p, s)
            slope = variance.mean() / tau2
            x = (1 - hyper["damping"]) * mean + hyper["damping"] * x
            iterates[k, q] = x
    return list(iterates)


def _fitted(A, rest, tau, noise, least):
    """Noise and tau of rest ~ N(0, noise I + tau A A^T): one step of Fisher scoring.

    The tau that is known counts as two measurements.
    """
    parts = [np.eye(len(A)), A @ A.T]
    precision = np.linalg.inv(noise * parts[0] + tau * parts[1])
    weighted = [precision @ part @ precision for part in parts]
    information = np.array([[np.trace(w @ part) for part in parts] for w in weighted])
    right = np.array([rest @ w @ rest for w in weighted])
    information[1, 1] += 2 / tau**2
    right[1] += 2 / tau
    noise, tau = np.linalg.solve(information, right)
    if noise < least:
        tau = (right[1] - information[0, 1] * least) / information[1, 1]
    if tau < least:
        noise = right[0] / information[0, 0]
    return max(noise, least), max(tau, least)


def vamp(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """VAMP with matrices in place of a decomposition; the prior as in :func:`bg_amp`."""
    m, n = A.shape
    iterates = np.zeros((iterations, len(b), n))
    for q, measurement in enumerate(b):
        x, r2 = np.zeros(n), np.zeros(n)
        known, d = "density" in hyper, hyper["damping"]
        p, s = (hyper["density"], hyper["variance"]) if known else _guessed(A, measurement)
        tau = p * s
        noise = least = (8 * np.finfo(float).eps) ** 2 * (measurement @ measurement) / m
        for k in range(iterations):
            rest = measurement - A @ r2
            noise, tau = _fitted(A, rest, tau, noise, least)
            gain = tau * A.T @ np.linalg.inv(noise * np.eye(m) + tau * A @ A.T)
            error = tau * (1 - np.trace(gain @ A) / n)  # of r2 + gain rest, of each entry
            tau1 = 1 / (1 / error - 1 / tau)
            r1 = r2 + gain @ rest * n / np.trace(gain @ A)
            p, s = (p, s) if known else _maximised(r1, tau1, p, s)
            mean, variance, _ = bernoulli_gaussian(r1, tau1, p, s)
            x = (1 - d) * mean + d * x
            left = variance.mean()
            following = 1 / (1 / left - 1 / tau1)
            r2 = following * (x / left - r1 / tau1)
            tau = (1 - d) * following + d * tau
            iterates[k, q] = x
    return list(iterates)


def tista(A: np.ndarray, b: np.ndarray, iterations: int, hyper: Hyper) -> list[np.ndarray]:
    """A step of 1 by the pseudo-inverse, then the posterior mean."""
    (m, n), W = A.shape, np.linalg.pinv(A)
    iterates = np.zeros((iterations, len(b), n))
    for q, measurement in enumerate(b):
        x, noise = np.zeros(n), hyper["noise"] * measurement @ measurement / m
        for k in range(iterations):
            residual = measurement - A @ x
            error = max((residual @ residual - m * noise) / np.trace(A.T @ A), 0)
            tau2 = error * (n - m) / n + noise * np.trace(W @ W.T) / n
            r = x + W @ residual
            x = bernoulli_gaussian(r, tau2, hyper["density"], hyper["variance"])[0]
            iterates[k, q] = x
    return list(iterates)


REFERENCES = {
    "tista": tista,
    "ista": ista,
    "ista_ss": ista_ss,
    "analytic_ista": analytic_ista,
    "analytic_ista_ss": analytic_ista_ss,
    "analytic_reweighted_ss": analytic_reweighted_ss,
    "analytic_relative_ss": analytic_relative_ss,
    "analytic_extragradient_ss": analytic_extragradient_ss,
    "adaptive_ista": adaptive_ista,
    "fista": fista,
    "fista_restart": fista_restart,
    "coordinate_descent": coordinate_descent,
    "ista_barzilai_borwein": spectral_ista,
    "oracle_ista": oracle_ista,
    "amp": amp,
    "omp": omp,
    "bg_amp": bg_amp,
    "em_bg_amp": bg_amp,
    "vamp": vamp,
    "em_vamp": vamp,
    "analytic_bg": _with_prior(bernoulli_gaussian, True),
    "analytic_mixture": _with_prior(mixture, True),
    "mixture_amp": _with_prior(mixture, False),
}
