"""The particle swarm of the other experiments, in a box."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from l2o.optimizers.black_box_search import Mirrored
from l2o.optimizers.population.pso import Pso
from l2o.optimizers.protocol import State


class PsoBox(Pso):
    """:class:`l2o.optimizers.population.pso.Pso` around the centre, mirrored at the edge.

    A step asks for one value for each particle; the first query is the first particle.
    """

    name = "pso_box"
    label = "PSO"
    reference = "Clerc & Kennedy 2002, type 1''; Bratton & Kennedy 2007"
    hyperparameters = {
        "particles": 10,
        "chi": 0.72984,
        "attraction": 2.05,
        "spread": 0.3,
        "seed": 0,
    }
    ranges = {
        "particles": "integers [1, 10000]",
        "chi": "(0, 1]",
        "attraction": "(0, inf)",
        "spread": "[0, inf)",
        "seed": "integers [0, 1e15]",
    }
    departs = "what leaves the box is mirrored into it"

    def init(self, optimizee: Any, x: Tensor) -> State:
        return super().init(Mirrored(optimizee), x - 0.5)

    def step(self, optimizee: Any, state: State) -> State:
        return super().step(Mirrored(optimizee), state)
