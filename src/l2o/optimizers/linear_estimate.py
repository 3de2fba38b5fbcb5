"""The linear half of VAMP: what b = A x + noise adds to a belief r2 = x + N(0, tau)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ROUNDING = 8.0  # epsilons of the precision: a noise of so little against b is none
OWN = 2.0  # measurements that the denoiser's own word on its error counts as


class Decomposition(NamedTuple):
    """A = U diag(S) Vh: (m, k), (k,), (k, n)."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class Message(NamedTuple):
    """r1 = r2 + V S w is x + N(0, tau1); all of each sample by itself.

    Parameters
    ----------
    weights : w, (batch, k)
    tau1 : (batch, 1)
    noise : its variance in b, as estimated, (batch, 1)
    """

    weights: Tensor
    tau1: Tensor
    noise: Tensor


def decomposed(A: Tensor, cutoff: float = 0.0) -> Decomposition:
    """Return the singular value decomposition of A, (m, n), in its precision.

    Singular values of at most ``cutoff`` times the largest are left out, unless it is 0.
    """
    U, S, Vh = torch.linalg.svd(A.detach().double(), full_matrices=False)
    k = int(S.gt(cutoff * S.max()).sum()) if cutoff else len(S)
    return Decomposition(*(part.to(A).contiguous() for part in (U[:, :k], S[:k], Vh[:k])))


def least_noise(b: Tensor) -> Tensor:
    """Return the least noise that each b, (batch, m), can have after rounding, (batch, 1)."""
    kind = torch.finfo(b.dtype)
    power = b.square().mean(dim=1, keepdim=True)
    return power.mul_((ROUNDING * kind.eps) ** 2).clamp_min_(kind.tiny**0.5)


def message(A: Decomposition, b: Tensor, r2: Tensor, tau: Tensor, noise: Tensor) -> Message:
    """Return what the linear minimum mean square error estimate of x adds to r2, (batch, n).

    The estimate is r2 + V S G u, u = U^T b - S V^T r2, G = tau / (noise + tau S^2), diagonal; what
    it adds has the weights w = G u / g, g = sum(G S^2) / n, and the variance tau (1 - g) / g. The
    noise of each sample, and ``tau`` again, are estimated first: u^2 has the mean noise + tau S^2.
    In gradients the variances are constants.
    """
    kind, n = torch.finfo(b.dtype), A.Vh.shape[1]
    within = b @ A.U
    u = within - (r2 @ A.Vh.T) * A.S
    with torch.no_grad():
        least = least_noise(b)
        unseen = b.square().sum(dim=1, keepdim=True) - within.square().sum(dim=1, keepdim=True)
        unseen = unseen.clamp_min_(0) * (len(A.S) < b.shape[1])  # else it is rounding
        tau = torch.maximum(tau, least)
        noise, tau = _variances(A.S.square(), u.square(), unseen, tau, noise, least, b.shape[1])
        gain = tau / (noise + tau * A.S.square())
        g = (gain * A.S.square()).sum(dim=1, keepdim=True) / n
        g = g.clamp(kind.tiny**0.5, 1 - kind.eps)
    return Message(u * (gain / g), tau * (1 - g) / g, noise)


def extrinsic(x: Tensor, slope: Tensor, r1: Tensor, tau1: Tensor) -> tuple[Tensor, Tensor]:
    """Return r2, (batch, n), and its variance, (batch, 1): what a denoiser adds to r1.

    ``x`` is the posterior mean given r1 = x + N(0, tau1), ``slope`` its mean slope a, (batch, 1):
    (x - a r1) / (1 - a), of variance tau1 a / (1 - a).
    """
    kind = torch.finfo(x.dtype)
    a = slope.clamp(kind.tiny**0.5, 1 - kind.eps**0.5)
    return (x - a * r1) / (1 - a), tau1 * a / (1 - a)


def _variances(
    s2: Tensor, u2: Tensor, unseen: Tensor, tau: Tensor, noise: Tensor, least: Tensor, m: int
) -> tuple[Tensor, Tensor]:
    """Return noise and tau, both at least ``least``, that fit u2, (batch, k), best.

    A step of weighted least squares (Fisher scoring); ``unseen`` is the sum of squares of b outside
    of A's range, where all is noise.
    """
    # In units of the larger one: fourth powers would leave the range of float32.
    unit = torch.maximum(noise, tau)
    u2, unseen, tau, noise, least = (part / unit for part in (u2, unseen, tau, noise, least))
    weight = (noise + tau * s2).pow_(-2)
    outside, own = noise.pow(-2), OWN * tau.pow(-2)
    aa = weight.sum(dim=1, keepdim=True) + (m - len(s2)) * outside
    ab, bb = (weight @ s2.pow(power)[:, None] for power in (1, 2))
    bb += own
    weight *= u2
    a = weight.sum(dim=1, keepdim=True) + unseen * outside
    b = weight @ s2[:, None] + own * tau
    det = aa * bb - ab * ab
    noise, tau = (bb * a - ab * b) / det, (aa * b - ab * a) / det
    tau = torch.where(noise < least, (b - ab * least) / bb, tau)
    noise = torch.where(tau < least, a / aa, noise)
    return torch.maximum(noise, least) * unit, torch.maximum(tau, least) * unit
