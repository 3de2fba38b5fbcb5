"""The Bernoulli-Gaussian prior: each x_i is 0, or with probability ``density`` N(0, ``variance``).

What message passing asks of it: the posterior of x given r = x + N(0, tau2), and how density and
variance follow from r by expectation maximisation. All of it holds for each sample by itself:
``tau2``, ``density`` and ``variance`` are (batch, 1). Sources: Vila & Schniter 2013, section III;
Borgerding, Schniter & Rangan 2017, section V-B.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

EM_STEPS = 3  # of the prior in an iteration: with 1 the first iterations lag behind, 10 gain little
SNR = 100.0  # power of the signal by that of the noise before anything is known (Vila & Schniter)


class Prior(NamedTuple):
    """Share and variance of the entries that are not 0, (batch, 1) each."""

    density: Tensor
    variance: Tensor


class Posterior(NamedTuple):
    """Of x given r: what is asked of it, and what a step of EM reads.

    Parameters
    ----------
    mean : E[x | r], (batch, n)
    slope : of the mean in r, which is Var[x | r] / tau2, averaged over n, (batch, 1)
    share : P(x != 0 | r), (batch, n)
    linear : E[x | r, x != 0], (batch, n)
    spread : Var[x | r, x != 0], (batch, 1)
    """

    mean: Tensor
    slope: Tensor
    share: Tensor
    linear: Tensor
    spread: Tensor


def known(b: Tensor, density: float, variance: float) -> Prior:
    """Return one prior for all samples of b, (batch, m)."""
    return Prior(b.new_full((len(b), 1), density), b.new_full((len(b), 1), variance))


def posterior(r: Tensor, tau2: Tensor, prior: Prior) -> Posterior:
    """Return what r = x + N(0, tau2), (batch, n), says of x.

    tau2 below the rounding of the variance counts as that; a density of 0 or 1 is allowed.
    """
    density, variance = prior
    kind = torch.finfo(r.dtype)
    tau2 = torch.maximum(tau2, kind.eps**2 * variance).clamp_min(kind.tiny)
    gain = variance / (variance + tau2)
    # Half of r^2 / tau2 - r^2 / (variance + tau2); beyond the clamp the share is 1 in any precision
    # and for any density above 0, and infinities would meet zeros.
    evidence = (r * r * (gain / (2 * tau2))).clamp(max=-4 * math.log(kind.tiny))
    prior_odds = torch.logit(density) - 0.5 * torch.log1p(variance / tau2)
    share = torch.sigmoid(evidence + prior_odds)
    linear = gain * r
    # Mean of share + 2 share (1 - share) evidence.
    doubt = evidence * (share - share * share)
    slope = gain * (share.mean(dim=1, keepdim=True) + 2 * doubt.mean(dim=1, keepdim=True))
    return Posterior(share * linear, slope, share, linear, gain * tau2)


def maximised(r: Tensor, tau2: Tensor, prior: Prior, steps: int = EM_STEPS) -> Prior:
    """Return the prior after steps of expectation maximisation on r = x + N(0, tau2), (batch, n).

    density+ = mean of P(x != 0 | r); variance+ = mean of x^2 over what is not 0. The density stays
    within a tenth of an entry of 0 and 1.
    """
    least, tiny = 0.1 / r.shape[1], torch.finfo(r.dtype).tiny
    for _ in range(steps):
        found = posterior(r, tau2, prior)
        total = found.share.sum(dim=1, keepdim=True)
        squares = (found.linear * found.linear).mul_(found.share).sum(dim=1, keepdim=True)
        variance = squares / total.clamp_min(tiny) + found.spread
        prior = Prior((total / r.shape[1]).clamp(least, 1 - least), variance.clamp_min(tiny))
    return prior


def guessed(b: Tensor, A: Tensor) -> Prior:
    """Return where expectation maximisation begins, from b, (batch, m), alone.

    The density is the largest that l1 recovery bears for an A, (m, n), of that shape; the variance
    explains ||b||^2. Source: Vila & Schniter 2013, eqs. (70) to (72).
    """
    m, n = A.shape
    density = largest_density(m / n)
    power = b.square().sum(dim=1, keepdim=True) * SNR / (SNR + 1)
    variance = power / (density * (float(A.double().square().sum()) or 1.0))
    return Prior(torch.full_like(power, density), variance.clamp_min(torch.finfo(b.dtype).tiny))


@cache
def largest_density(ratio: float) -> float:
    """Return the share of non-zeros up to which l1 recovers x without noise, for m / n = ``ratio``.

    The phase transition of AMP, as n grows. Source: Donoho, Maleki & Montanari 2009, eq. (5).
    """
    if ratio >= 1:
        return 0.5  # every x is recovered; EM does best from the middle
    best = 0.0
    for k in range(1, 1000):
        c = k / 100
        tail = (1 + c * c) * math.erfc(c / math.sqrt(2)) / 2
        tail -= c * math.exp(-c * c / 2) / math.sqrt(2 * math.pi)
        best = max(best, (1 - 2 / ratio * tail) / (1 + c * c - 2 * tail))
    return min(ratio * best, 0.5) or 0.1 * ratio


class EstimatedPrior:
    """Mixed into a method that knows the prior: it then estimates it, of each sample by itself."""

    A: Tensor

    def prior(self, b: Tensor) -> Prior:
        """Return what is believed before the first iteration."""
        return guessed(b, self.A)

    def learned(self, r: Tensor, tau2: Tensor, prior: Prior) -> Prior:
        """Return what is believed after r = x + N(0, tau2) has been seen."""
        return maximised(r, tau2, prior)


class KnownPrior:
    """Mixed into a method: density and variance are its hyperparameters, for all samples."""

    hyper: dict[str, float]

    def prior(self, b: Tensor) -> Prior:
        """Return the prior of b, (batch, m)."""
        return known(b, self.hyper["density"], self.hyper["variance"])

    def learned(self, r: Tensor, tau2: Tensor, prior: Prior) -> Prior:
        """Return the prior, which is known."""
        return prior
