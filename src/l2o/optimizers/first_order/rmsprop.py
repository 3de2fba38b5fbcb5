"""RMSProp: steps scaled by a running mean square of the gradient."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from l2o.optimizers.first_order.protocol import State


class RmsProp:
    """v+ = d v + (1 - d) g^2; x+ = x - rate g / (sqrt(v+) + eps). The state is (x, v)."""

    name = "rmsprop"
    label = "RMSProp"
    reference = "Tieleman & Hinton 2012, lecture 6.5"
    hyperparameters = {"rate": 1e-3, "decay": 0.99, "epsilon": 1e-8}

    def __init__(self, hyper: Mapping[str, float]) -> None:
        self.hyper = {**self.hyperparameters, **hyper}

    def init(self, x: Tensor) -> State:
        return x, x.new_zeros(x.shape)

    def step(self, state: State, gradient: Tensor) -> State:
        x, v = state
        v = v.lerp(gradient.square(), 1 - self.hyper["decay"])
        return x - self.hyper["rate"] * gradient / (v.sqrt() + self.hyper["epsilon"]), v
