"""Optimistic GDA: the last gradient is taken for the one that comes."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.protocol import Optimizer, State


class OptimisticGda(Optimizer):
    """z+ = z - rate (2 F(z) - F(z-)); the first step has F(z-) = F(z).

    The state is (z, F(z-), whether there is one); the latter is ().
    """

    name = "optimistic_gda"
    label = "Optimistic GDA"
    reference = "Popov 1980; Daskalakis, Ilyas, Syrgkanis & Zeng 2018"
    hyperparameters = {"rate": 0.1}
    ranges = {"rate": "(0, inf)"}
    gradients = 1

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        return x, x.new_zeros(x.shape), x.new_zeros(())

    def step(self, optimizee: Minimax, state: State) -> State:
        z, last, known = state
        now = optimizee.gradient(z)
        return z - self.hyper["rate"] * (now + known * (now - last)), now, known.new_ones(())
