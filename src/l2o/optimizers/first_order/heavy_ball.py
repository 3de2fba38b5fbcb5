"""Gradient descent with momentum."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State


class HeavyBall(Optimizer):
    """m+ = memory m + g, x+ = x - rate m+; the state is (x, m)."""

    name = "heavy_ball"
    label = "Momentum"
    reference = "Polyak 1964"
    hyperparameters = {"rate": 1e-3, "memory": 0.9}
    ranges = {"rate": "(0, inf)", "memory": "[0, 1)"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_zeros(x.shape)

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, m = state
        m = self.hyper["memory"] * m + optimizee.gradient(x)
        return x - self.hyper["rate"] * m, m
