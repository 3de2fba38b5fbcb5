"""SGD with momentum, at a constant rate."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State


class SgdMomentum(Optimizer):
    """u+ = mu u + g; x+ = x - rate u+, with mu ``momentum`` and u = 0 at t = 0, as torch has it.

    The state is (x, u).
    """

    name = "sgd_momentum"
    label = "SGD, momentum"
    reference = "Polyak 1964; Sutskever et al. 2013, eqs. (1) and (2)"
    hyperparameters = {"rate": 0.1, "momentum": 0.9}
    ranges = {"rate": "(0, inf)", "momentum": "[0, 1)"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_zeros(x.shape)

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, velocity = state
        velocity = self.hyper["momentum"] * velocity + optimizee.gradient(x)
        return x - self.hyper["rate"] * velocity, velocity
