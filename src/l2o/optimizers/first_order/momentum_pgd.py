"""MI-FGSM: PGD along the sign of a running sum of gradients."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State

SMALLEST = 1e-30  # 1-norm of a gradient that counts as none


class MomentumPgd(Optimizer):
    """m+ = memory m + g / ||g||_1, x+ = x - rate sign m+; the state is (x, m).

    Projected where x is confined, as :mod:`l2o.optimizers.first_order.pgd`.
    """

    name = "momentum_pgd"
    label = "MI-FGSM"
    reference = "Dong, Liao, Pang, Su, Zhu, Hu & Li 2018, algorithm 1"
    hyperparameters = {"rate": 0.03, "memory": 1.0}
    ranges = {"rate": "(0, inf)", "memory": "[0, 1]"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_zeros(x.shape)

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, m = state
        g = optimizee.gradient(x)
        size = g.abs().sum(dim=-1, keepdim=True).clamp_min(SMALLEST)
        m = self.hyper["memory"] * m + g / size
        return x - self.hyper["rate"] * m.sign(), m
