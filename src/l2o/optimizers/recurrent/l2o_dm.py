"""L2O-DM: the first LSTM optimizer."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizers.protocol import State
from l2o.optimizers.recurrent.coordinatewise import CoordinatewiseOptimizer


class L2oDm(CoordinatewiseOptimizer):
    """x+ = x + scale LSTM(log|g| / p, sign g) where |g| >= e^-p, else of (-1, e^p g)."""

    name = "l2o_dm"
    label = "L2O-DM"
    reference = "Andrychowicz et al. 2016; preprocessing in their appendix A"
    hyperparameters = {"hidden": 20, "scale": 0.1, "p": 10.0}
    ranges = {"hidden": "integers [1, 1000]", "scale": "(0, inf)", "p": "(0, 80]"}
    features = 2

    def inputs(self, gradient: Tensor, memory: State) -> tuple[Tensor, State]:
        g, p = gradient.reshape(-1), self.hyper["p"]
        size = g.abs()
        large = size >= math.exp(-p)
        logarithm = torch.where(large, size.clamp_min(math.exp(-p)).log() / p, -1.0)
        return torch.stack([logarithm, torch.where(large, g.sign(), math.exp(p) * g)]), memory

    def update(self, output: Tensor) -> Tensor:
        return self.hyper["scale"] * output
