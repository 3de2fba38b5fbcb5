"""VAMP: vector approximate message passing, which also bears matrices that are not random."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.bernoulli_gaussian import KnownPrior, Prior, posterior
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import Hyperparameters, State

ROUNDING = 8.0  # epsilons of the precision: a noise of so little against b is none
OWN = 2.0  # measurements that the denoiser's own word on its error counts as


class Vamp(KnownPrior, ClassicalSolver):
    """A linear estimate of x and its posterior mean in turn, each from what the other adds.

    With A = U S V^T and r2 = x + N(0, tau): x2 = r2 + V G S (U^T b - S V^T r2), the linear
    minimum mean square error estimate, G = tau / (noise + tau S^2), diagonal; what it adds to r2 is
    r1 = r2 + (x2 - r2) / g, g = sum(G S^2) / n, with variance tau (1 - g) / g; then x+ = eta(r1),
    the posterior mean under the Bernoulli-Gaussian prior with its mean slope a; and r2+ =
    (x+ - a r1) / (1 - a), of the variance of r1 times a / (1 - a). It starts at r2 = 0 with the
    variance of the prior. With ``damping`` d a share d of the previous x and tau is kept.

    The noise of each sample, and tau again, are estimated at every iteration: (U^T b - S V^T r2)^2
    has the mean noise + tau S^2, and a step of weighted least squares (Fisher scoring) fits both.
    Without noise, expectation maximisation would never arrive, and on a coherent dictionary the
    tau of the state evolution is too sure of itself.

    A is decomposed once, when the solver is made. The state is (x, r2, tau, noise, density,
    variance), all but the first two (batch, 1).
    """

    name = "vamp"
    label = "VAMP"
    reference = "Rangan, Schniter & Fletcher 2019, algorithm 3; noise: Fletcher et al. 2017"
    hyperparameters = {"density": 0.1, "variance": 1.0, "damping": 0.0}
    ranges = {"density": "(0, 1)", "variance": "(0, inf)", "damping": "[0, 1)"}

    def __init__(self, dictionary: Tensor, hyper: Hyperparameters) -> None:
        super().__init__(dictionary, hyper)
        U, S, Vh = torch.linalg.svd(dictionary.double(), full_matrices=False)
        self.U, self.S, self.Vh = (part.to(dictionary).contiguous() for part in (U, S, Vh))
        self.squares = self.S.square()

    def init(self, optimizee: Measured, x: Tensor) -> State:
        b = optimizee.b
        density, variance = self.prior(b)
        return x, torch.zeros_like(x), density * variance, self._least(b), density, variance

    def _least(self, b: Tensor) -> Tensor:
        """Return the least noise that each b, (batch, m), can have after rounding, (batch, 1)."""
        kind = torch.finfo(b.dtype)
        power = b.square().mean(dim=1, keepdim=True)
        return power.mul_((ROUNDING * kind.eps) ** 2).clamp_min_(kind.tiny**0.5)

    def step(self, optimizee: Measured, state: State) -> State:
        (x, r2, tau, noise, *prior), b = state, optimizee.b
        n, damping, kind = self.A.shape[1], self.hyper["damping"], torch.finfo(b.dtype)
        within, least = b @ self.U, self._least(b)
        tau = torch.maximum(tau, least)
        unseen = b.square().sum(dim=1, keepdim=True) - within.square().sum(dim=1, keepdim=True)
        unseen = unseen.clamp_min_(0) * (len(self.S) < b.shape[1])  # else it is rounding
        u = within - (r2 @ self.Vh.T).mul_(self.S)
        noise, tau = self._noise(u.square(), unseen, tau, noise, least)
        gain = tau * self.S / (noise + tau * self.squares)
        g = (gain * self.S).sum(dim=1, keepdim=True) / n
        g = g.clamp(kind.tiny**0.5, 1 - kind.eps)
        r1 = torch.addmm(r2, u.mul_(gain / g), self.Vh)
        tau1 = tau * (1 - g) / g
        prior = self.learned(r1, tau1, Prior(*prior))
        found = posterior(r1, tau1, prior)
        new = torch.lerp(found.mean, x, damping) if damping else found.mean
        a = found.slope.clamp(kind.tiny**0.5, 1 - kind.eps**0.5)
        tau = torch.lerp(tau1 * a / (1 - a), tau, damping)
        return new, (new - a * r1).div_(1 - a), tau, noise, *prior

    def _noise(
        self, u2: Tensor, unseen: Tensor, tau: Tensor, noise: Tensor, least: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return noise and tau, both at least ``least``, that fit u2, (batch, k), best.

        ``unseen`` is the sum of squares of b outside of A's range, where all is noise.
        """
        # In units of the larger one: fourth powers would leave the range of float32.
        unit = torch.maximum(noise, tau)
        u2, unseen, tau, noise, least = (part / unit for part in (u2, unseen, tau, noise, least))
        s2, weight = self.squares, (noise + tau * self.squares).pow_(-2)
        outside, own = noise.pow(-2), OWN * tau.pow(-2)
        aa = weight.sum(dim=1, keepdim=True) + (self.A.shape[0] - len(s2)) * outside
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
