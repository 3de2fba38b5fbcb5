"""FISTA that drops its momentum where it points uphill."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State


class FistaRestart(ClassicalSolver):
    """FISTA; where (y - x+)^T (x+ - x) > 0, the next step starts from x+ without momentum, t = 1.

    y - x+ is the generalised gradient at y over L. Each sample restarts by itself. The state is
    (x, y, t), t (batch, 1); L as in ISTA.
    """

    name = "fista_restart"
    label = "FISTA, restarts"
    reference = "O'Donoghue & Candes 2015, section 3.2, gradient scheme"
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}

    def init(self, optimizee: Measured, x: Tensor) -> State:
        return x, x, x.new_ones(len(x), 1)

    def step(self, optimizee: Measured, state: State) -> State:
        x, y, t = state
        new = self.proximal_gradient(y, optimizee.b)
        moved = new - x
        uphill = ((y - new) * moved).sum(dim=1, keepdim=True) > 0
        t = torch.where(uphill, 1.0, t)
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        return new, moved.mul_((t - 1) / following).add_(new), following
