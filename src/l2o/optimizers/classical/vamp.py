"""VAMP: vector approximate message passing, which also bears matrices that are not random."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.bernoulli_gaussian import KnownPrior, Prior, posterior
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.linear_estimate import decomposed, extrinsic, least_noise, message
from l2o.optimizers.protocol import Hyperparameters, State


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
        self.parts = decomposed(dictionary)

    def init(self, optimizee: Measured, x: Tensor) -> State:
        b = optimizee.b
        density, variance = self.prior(b)
        return x, torch.zeros_like(x), density * variance, least_noise(b), density, variance

    def step(self, optimizee: Measured, state: State) -> State:
        (x, r2, tau, noise, *prior), damping = state, self.hyper["damping"]
        weights, tau1, noise = message(self.parts, optimizee.b, r2, tau, noise)
        r1 = torch.addmm(r2, weights * self.parts.S, self.parts.Vh)
        prior = self.learned(r1, tau1, Prior(*prior))
        found = posterior(r1, tau1, prior)
        new = torch.lerp(found.mean, x, damping) if damping else found.mean
        r2, following = extrinsic(new, found.slope, r1, tau1)
        return new, r2, torch.lerp(following, tau, damping), noise, *prior
