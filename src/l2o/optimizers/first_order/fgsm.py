"""FGSM: one step from the origin, in every coordinate of the same size."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State


class Fgsm(Optimizer):
    """x_1 = -rate sign g(0), and there it stands; the state is (x, whether the step is done).

    It begins at 0, which for an attack is the image itself, whatever start it is given. Projected
    where x is confined, as :mod:`l2o.optimizers.first_order.pgd`.
    """

    name = "fgsm"
    label = "FGSM"
    reference = "Goodfellow, Shlens & Szegedy 2015, section 4"
    hyperparameters = {"rate": 0.3}
    ranges = {"rate": "(0, inf)"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x.new_zeros(x.shape), x.new_zeros((), dtype=bool)

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, done = state
        if done:
            return state
        return x - self.hyper["rate"] * optimizee.gradient(x).sign(), ~done
