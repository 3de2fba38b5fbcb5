"""Alternating GDA: the second player answers to the first one's move."""

from __future__ import annotations

import torch

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.protocol import Optimizer, State


class AlternatingGda(Optimizer):
    """x+ = x - rate df/dx(x, y); y+ = y + rate df/dy(x+, y): half a gradient each."""

    name = "alternating_gda"
    label = "Alternating GDA"
    reference = "Bailey, Gidel & Piliouras 2020"
    hyperparameters = {"rate": 0.1}
    ranges = {"rate": "(0, inf)"}
    gradients = 1

    def step(self, optimizee: Minimax, state: State) -> State:
        (z,) = state
        x, y = z.chunk(2, dim=-1)
        x = x - self.hyper["rate"] * optimizee.partial(z, 0)
        y = y - self.hyper["rate"] * optimizee.partial(torch.cat([x, y], dim=-1), 1)
        return (torch.cat([x, y], dim=-1),)
