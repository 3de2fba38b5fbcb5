"""ISTA with Barzilai-Borwein steps: SpaRSA."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State

PAST = 5  # earlier objectives below whose highest one f has to stay, beside the current one
DECREASE = 0.01  # sigma of the test
GROWTH = 2.0  # of alpha where the test fails
LEAST = 1e-6  # alpha over L, at least


class IstaBarzilaiBorwein(ClassicalSolver):
    """x+ = eta_{lam/c}(x + A^T r / c), r = b - A x; then c+ = ||A s||^2 / ||s||^2, s = x+ - x.

    c, the curvature along the last step, is kept between 1e-6 L and L. Where f(x+) is not below the
    highest of the last six objectives by 0.005 c ||s||^2, c is doubled and the step tried again;
    with c = L every step is taken. A try costs a product with A, but counts as no step. Each sample
    has its own c, at first L.

    The state is (x, r, c, f): c (batch,), f the last objectives, (batch, 6), at first all the same.
    """

    name = "ista_barzilai_borwein"
    label = "ISTA, BB steps"
    reference = "Wright, Nowak & Figueiredo 2009 (SpaRSA), section II; Barzilai & Borwein 1988"
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}

    def init(self, optimizee: Measured, x: Tensor) -> State:
        r = optimizee.b - x @ self.A.T
        first = self._objective(x, r)[:, None].expand(-1, 1 + PAST)
        return x, r, x.new_full((len(x),), self.lipschitz), first

    def step(self, optimizee: Measured, state: State) -> State:
        x, r, curvature, past = state
        downhill, bound, curvature = r @ self.A, past.amax(dim=1), curvature.clone()
        new, residual, value = torch.empty_like(x), torch.empty_like(r), torch.empty_like(bound)
        rows = torch.arange(len(x), device=x.device)
        rounding = 1 + 4 * torch.finfo(x.dtype).eps  # lest a settled sample tries all up to L
        while len(rows):
            c = curvature[rows]
            v = x[rows] + downhill[rows] / c[:, None]
            threshold = self.hyper["lam"] / c[:, None]
            tried = v - v.clamp(-threshold, threshold)
            new[rows], residual[rows] = tried, optimizee.b[rows] - tried @ self.A.T
            value[rows] = self._objective(tried, residual[rows])
            enough = 0.5 * DECREASE * c * (tried - x[rows]).square().sum(dim=1)
            short = value[rows] > bound[rows] * rounding - enough
            rows = rows[short & (c < self.lipschitz)]
            curvature[rows] = (GROWTH * curvature[rows]).clamp_max(self.lipschitz)
        length, bent = (
            (end - start).square().sum(dim=1) for end, start in ((new, x), (residual, r))
        )
        curvature = (bent / length).clamp(LEAST * self.lipschitz, self.lipschitz)
        curvature = torch.where(length > 0, curvature, self.lipschitz)
        return new, residual, curvature, torch.cat([past[:, 1:], value[:, None]], dim=1)

    def _objective(self, x: Tensor, r: Tensor) -> Tensor:
        """Return f, (batch,), at x with its residual r."""
        return 0.5 * r.square().sum(dim=1) + self.hyper["lam"] * x.abs().sum(dim=1)
