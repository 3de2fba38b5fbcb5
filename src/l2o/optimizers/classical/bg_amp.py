"""Bayes-optimal AMP: approximate message passing with the posterior mean of the prior."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.bernoulli_gaussian import KnownPrior, Prior, posterior
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State


class BgAmp(KnownPrior, ClassicalSolver):
    """v = b - A x + (n/m) mean(eta') v_prev; x+ = eta(x + A^T v), eta the posterior mean.

    eta(r) = E[x | r = x + N(0, ||v||^2 / m)] under the Bernoulli-Gaussian prior, eta' its slope.
    With ``damping`` d, x+ = (1 - d) eta(r) + d x. For matrices with independent entries no method
    of first order does better on average (Celentano, Montanari & Wu 2020); it may diverge on a
    coherent dictionary.

    The state is (x, v, mean(eta'), density, variance), the last three (batch, 1).
    """

    name = "bg_amp"
    label = "BG-AMP"
    reference = "Donoho, Maleki & Montanari 2009, 2010; Vila & Schniter 2013"
    hyperparameters = {"density": 0.1, "variance": 1.0, "damping": 0.0}
    ranges = {"density": "(0, 1)", "variance": "(0, inf)", "damping": "[0, 1)"}

    def init(self, optimizee: Measured, x: Tensor) -> State:
        b = optimizee.b
        return x, torch.zeros_like(b), b.new_zeros(len(b), 1), *self.prior(b)

    def step(self, optimizee: Measured, state: State) -> State:
        (x, previous, slope, *prior), b = state, optimizee.b
        (m, n), damping = self.A.shape, self.hyper["damping"]
        v = torch.addmm(b, x, self.A.T, alpha=-1).addcmul_(n / m * slope, previous)
        tau2 = v.square().mean(dim=1, keepdim=True)
        r = torch.addmm(x, v, self.A)
        prior = self.learned(r, tau2, Prior(*prior))
        found = posterior(r, tau2, prior)
        new = torch.lerp(found.mean, x, damping) if damping else found.mean
        return new, v, found.slope, *prior
