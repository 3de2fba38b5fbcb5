"""SGD with Nesterov's momentum, its rate falling as a cosine."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.schedules import cosine


class SgdNesterov(Optimizer):
    """u+ = mu u + g; x+ = x - rate_t (g + mu u+), rate_t = rate (1 + cos(pi t / s)) / 2.

    mu is ``momentum``; x is the point that looks ahead, where Nesterov takes the gradient, as torch
    writes it. u is 0 at t = 0; after s = ``steps`` steps x stands still. The state is (x, u, t).
    """

    name = "sgd_nesterov"
    label = "Nesterov + cosine"
    reference = "Sutskever et al. 2013, eqs. (3) and (4); Loshchilov & Hutter 2017, eq. (5)"
    hyperparameters = {"rate": 0.1, "momentum": 0.9, "steps": 10000}
    ranges = {"rate": "(0, inf)", "momentum": "[0, 1)", "steps": "integers [1, 1e15]"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, torch.zeros_like(x), x.new_zeros(())

    def step(self, optimizee: Optimizee, state: State) -> State:
        (x, velocity, t), momentum = state, self.hyper["momentum"]
        gradient = optimizee.gradient(x)
        velocity = momentum * velocity + gradient
        rate = cosine(self.hyper["rate"], t, self.hyper["steps"])
        return x - rate * (gradient + momentum * velocity), velocity, t + 1
