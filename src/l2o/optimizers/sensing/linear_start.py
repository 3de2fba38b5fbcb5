"""The linear start of all methods, as a method of its own."""

from __future__ import annotations

from l2o.optimizees.block_sensing import BlockSensing
from l2o.optimizers.protocol import Optimizer, State


class LinearStart(Optimizer):
    """x = Q y, the best linear estimate of a block; a step leaves it as it is."""

    name = "linear_start"
    label = "Linear start"
    reference = "Zhang & Ghanem 2018, eq. 5"
    hyperparameters = {}
    ranges = {}

    def step(self, optimizee: BlockSensing, state: State) -> State:
        return state
