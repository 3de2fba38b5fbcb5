"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.moments import corrected, no_moments
from l2o.optimizers.protocol import Optimizer, State


class Adam(Optimizer):
    """m+ = b1 m + (1 - b1) g; v+ = b2 v + (1 - b2) g^2; x+ = x - rate m^ / (sqrt(v^) + eps).

    The hats divide by 1 - b1^t and 1 - b2^t. The state is (x, m, v, t).
    """

    name = "adam"
    label = "Adam"
    reference = "Kingma & Ba 2015, algorithm 1"
    hyperparameters = {"rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    ranges = {"rate": "(0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "epsilon": "(0, 1]"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, *no_moments(x)

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, *moments = state
        betas = self.hyper["beta1"], self.hyper["beta2"]
        mean, size, moments = corrected(optimizee.gradient(x), tuple(moments), *betas)
        return x - self.hyper["rate"] * mean / (size + self.hyper["epsilon"]), *moments
