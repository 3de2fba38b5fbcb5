"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from l2o.optimizers.first_order.protocol import State


class Adam:
    """m+ = b1 m + (1 - b1) g; v+ = b2 v + (1 - b2) g^2; x+ = x - rate m^ / (sqrt(v^) + eps).

    The hats divide by 1 - b1^t and 1 - b2^t. The state is (x, m, v, t).
    """

    name = "adam"
    label = "Adam"
    reference = "Kingma & Ba 2015, algorithm 1"
    hyperparameters = {"rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

    def __init__(self, hyper: Mapping[str, float]) -> None:
        self.hyper = {**self.hyperparameters, **hyper}

    def init(self, x: Tensor) -> State:
        return x, x.new_zeros(x.shape), x.new_zeros(x.shape), x.new_zeros(())

    def step(self, state: State, gradient: Tensor) -> State:
        x, m, v, t = state
        beta1, beta2 = self.hyper["beta1"], self.hyper["beta2"]
        m, v, t = m.lerp(gradient, 1 - beta1), v.lerp(gradient.square(), 1 - beta2), t + 1
        scale = (v / (1 - beta2**t)).sqrt() + self.hyper["epsilon"]
        return x - self.hyper["rate"] / (1 - beta1**t) * m / scale, m, v, t
