"""Gradient descent with a constant step; on nonsmooth functions the subgradient method."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, State


class Gd:
    """x+ = x - rate g."""

    name = "gd"
    label = "GD"
    reference = "Cauchy 1847; paper 4.1.2"
    hyperparameters = {"rate": 1e-3}

    def __init__(self, hyper: Hyperparameters) -> None:
        self.hyper = {**self.hyperparameters, **hyper}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return (x,)

    def step(self, optimizee: Optimizee, state: State) -> State:
        return (state[0] - self.hyper["rate"] * optimizee.gradient(state[0]),)
