"""FISTA: ISTA with Nesterov's acceleration."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State


class Fista(ClassicalSolver):
    """y = x + (t_prev - 1)/t (x - x_prev); x+ = eta_{lam/L}(y - A^T (A y - b) / L).

    The state is (x, y, t): the iterate, the point of the next gradient, the momentum number. L as
    in ISTA.
    """

    name = "fista"
    label = "FISTA"
    reference = "Beck & Teboulle 2009, eqs. (4.1) to (4.3)"
    hyperparameters = {"lam": 0.1, "frobenius": 0.0}
    ranges = {"lam": "(0, inf)", "frobenius": "integers [0, 1]"}

    def init(self, optimizee: Measured, x: Tensor) -> State:
        return x, x, x.new_ones(())

    def step(self, optimizee: Measured, state: State) -> State:
        x, y, t = state
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        new = self.proximal_gradient(y, optimizee.b)
        return new, (new - x).mul_((t - 1) / following).add_(new), following
