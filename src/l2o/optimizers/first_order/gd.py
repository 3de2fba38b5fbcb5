"""Gradient descent with a constant step; on nonsmooth functions the subgradient method."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from l2o.optimizers.first_order.protocol import State


class Gd:
    """x+ = x - rate g."""

    name = "gd"
    label = "GD"
    reference = "Cauchy 1847; paper 4.1.2"
    hyperparameters = {"rate": 1e-3}

    def __init__(self, hyper: Mapping[str, float]) -> None:
        self.hyper = {**self.hyperparameters, **hyper}

    def init(self, x: Tensor) -> State:
        return (x,)

    def step(self, state: State, gradient: Tensor) -> State:
        return (state[0] - self.hyper["rate"] * gradient,)
