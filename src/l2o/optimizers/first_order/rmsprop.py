"""RMSProp: steps scaled by a running mean square of the gradient."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State


class RmsProp(Optimizer):
    """v+ = d v + (1 - d) g^2; x+ = x - rate g / (sqrt(v+) + eps). The state is (x, v).

    v starts at ``square_start``: 0, or what an implementation that starts elsewhere has.
    """

    name = "rmsprop"
    label = "RMSProp"
    reference = "Tieleman & Hinton 2012, lecture 6.5"
    hyperparameters = {"rate": 1e-3, "decay": 0.99, "epsilon": 1e-8, "square_start": 0.0}
    ranges = {
        "rate": "(0, inf)",
        "decay": "[0, 1)",
        "epsilon": "(0, 1]",
        "square_start": "[0, inf)",
    }

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_full(x.shape, self.hyper["square_start"])

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, v = state
        gradient = optimizee.gradient(x)
        v = v.lerp(gradient.square(), 1 - self.hyper["decay"])
        return x - self.hyper["rate"] * gradient / (v.sqrt() + self.hyper["epsilon"]), v
