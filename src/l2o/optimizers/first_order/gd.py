"""Gradient descent with a constant step; on nonsmooth functions the subgradient method."""

from __future__ import annotations

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State


class Gd(Optimizer):
    """x+ = x - rate g."""

    name = "gd"
    label = "GD"
    reference = "Cauchy 1847; paper 4.1.2"
    hyperparameters = {"rate": 1e-3}
    ranges = {"rate": "(0, inf)"}

    def step(self, optimizee: Optimizee, state: State) -> State:
        return (state[0] - self.hyper["rate"] * optimizee.gradient(state[0]),)
