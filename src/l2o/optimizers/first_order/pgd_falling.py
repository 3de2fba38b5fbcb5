"""PGD whose steps fall in the course of a run."""

from __future__ import annotations

import math

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State


class PgdFalling(Optimizer):
    """x+ = x - rate e^(-fall t / steps) sign g, t = 0, 1, ...; the state is (x, t).

    Projected where x is confined, as :mod:`l2o.optimizers.first_order.pgd`.
    """

    name = "pgd_falling"
    label = "PGD, falling steps"
    reference = "Madry, Makelov, Schmidt, Tsipras & Vladu 2018, section 2.1; the fall is ours"
    hyperparameters = {"rate": 0.1, "fall": 2.0, "steps": 10}
    ranges = {"rate": "(0, inf)", "fall": "[0, 100]", "steps": "integers [1, 1e15]"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_zeros(())

    def step(self, optimizee: Optimizee, state: State) -> State:
        (x, t), hyper = state, self.hyper
        rate = hyper["rate"] * math.exp(-hyper["fall"] * float(t) / hyper["steps"])
        return x - rate * optimizee.gradient(x).sign(), t + 1
