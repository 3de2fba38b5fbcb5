"""What AMP and VAMP reach after each iteration where the problem is large: their state evolution.

For b = A x + noise, x Bernoulli-Gaussian, they are limits of what experiments measure. Of AMP, for
an A with independent entries, it is the best that any method of first order reaches, one that only
multiplies by A and A^T (Celentano, Montanari & Wu 2020); where it settles is the least mean square
error of all methods, as long as there is no second fixed point. All in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

POINTS = 4001  # of the quadrature: with half as many the error changes in the 13th digit
REACH = 40.0  # standard deviations beyond which no density is left
SETTLED = 1e-12  # relative change of the error from one iteration to the next


@dataclass(frozen=True)
class BernoulliGaussian:
    """x is 0, or with probability ``density`` N(0, ``variance``)."""

    density: float
    variance: float = 1.0

    @property
    def power(self) -> float:
        """E[x^2], the error of x = 0."""
        return self.density * self.variance

    def error(self, tau2: float) -> float:
        """Return E (x - E[x | r])^2 of r = x + N(0, tau2), by quadrature.

        The trapezoidal rule in u, r = tau sinh(u): even steps near 0, where the posterior changes
        within a few tau, and even ones of log r beyond.
        """
        p, s = self.density, self.variance
        u = np.linspace(0.0, math.asinh(REACH * math.sqrt((s + tau2) / tau2)), POINTS)
        z, gain = np.sinh(u), s / (s + tau2)  # r in units of tau
        with np.errstate(under="ignore"):
            zero = (1 - p) * np.exp(-0.5 * z * z)
            other = p * math.sqrt(tau2 / (s + tau2)) * np.exp(-0.5 * tau2 / (s + tau2) * z * z)
            share = 1 / (
                1 + (1 - p) / p * math.sqrt((s + tau2) / tau2) * np.exp(-0.5 * gain * z * z)
            )
            spread = share * gain * (1 + (1 - share) * gain * z * z)  # Var[x | r] / tau2
        weighted = spread * (zero + other) * np.cosh(u) / math.sqrt(2 * math.pi)
        return tau2 * 2 * float(np.trapezoid(weighted, u))

    def decibels(self, error: float) -> float:
        """Return an error as NMSE in dB."""
        return 10 * math.log10(error / self.power) if error > 0 else -math.inf


def amp_errors(
    prior: BernoulliGaussian, ratio: float, noise: float, iterations: int
) -> list[float]:
    """Return the mean square errors of AMP's x_0 = 0, x_1, ..., of each entry.

    tau2 = noise + (n/m) error, and the next error is that of the scalar channel with tau2. Source:
    Donoho, Maleki & Montanari 2009, eq. (4).

    Parameters
    ----------
    ratio : n / m
    noise : its variance, of each entry of b; A has columns of unit 2-norm
    """
    errors = [prior.power]
    for _ in range(iterations):
        errors.append(prior.error(noise + ratio * errors[-1]))
    return errors


def fixed_point(prior: BernoulliGaussian, ratio: float, noise: float, most: int = 100_000) -> float:
    """Return the error at which :func:`amp_errors` settle, for a noise above 0."""
    error = prior.power
    for _ in range(most):
        following = prior.error(noise + ratio * error)
        if abs(following - error) <= SETTLED * error:
            break
        error = following
    return following


def vamp_errors(
    prior: BernoulliGaussian, singular: np.ndarray, n: int, noise: float, iterations: int
) -> list[float]:
    """Return the mean square errors of VAMP's x_0 = 0, x_1, ..., of each entry.

    Source: Rangan, Schniter & Fletcher 2019, section IV, with matched estimators: what each of the
    two estimators adds to its message follows from the error that it leaves.

    Parameters
    ----------
    singular : singular values of A, at most n
    n : columns of A
    noise : its variance, of each entry of b
    """
    squares = np.zeros(n)
    squares[: len(singular)] = np.square(singular)
    seen = squares > max(squares.max(), 1.0) * n * np.finfo(float).eps
    errors, tau = [prior.power], prior.power
    for _ in range(iterations):
        # Share of tau that the linear estimate takes away; without noise, all that A sees.
        part = np.where(seen, tau * squares / (noise + tau * np.where(seen, squares, 1.0)), 0.0)
        taken = float(part.mean())
        tau = tau * (1 - taken) / taken
        errors.append(prior.error(tau) if tau > 0 else 0.0)
        tau = 1 / (1 / errors[-1] - 1 / tau) if errors[-1] > 0 else 0.0
        if tau <= 0:
            return errors + [0.0] * (iterations + 1 - len(errors))
    return errors


def limit_rows(
    A: np.ndarray, density: float, snr_db: float | None, layers: int
) -> list[dict[str, Any]]:
    """Return the limits of a problem, a row for each ``limit`` and layer: its NMSE in dB.

    ``amp`` and ``vamp`` are those of the two algorithms; ``fixed_point`` is where AMP settles, at
    every layer: there is none without noise.

    Parameters
    ----------
    A : with independent Gaussian entries and columns of unit 2-norm, (m, n)
    density : of signals whose non-zeros are N(0, 1)
    snr_db : power of A x by that of the noise; None for no noise
    """
    (m, n), prior = A.shape, BernoulliGaussian(density)
    noise = 0.0 if snr_db is None else n / m * prior.power * 10 ** (-snr_db / 10)
    singular = np.linalg.svd(A.astype(float), compute_uv=False)
    limits = {
        "amp": amp_errors(prior, n / m, noise, layers),
        "vamp": vamp_errors(prior, singular, n, noise, layers),
    }
    if noise:
        limits["fixed_point"] = [fixed_point(prior, n / m, noise)] * (layers + 1)
    return [
        {"limit": limit, "layer": layer, "nmse_db": prior.decibels(error)}
        for limit, errors in limits.items()
        for layer, error in enumerate(errors)
    ]
