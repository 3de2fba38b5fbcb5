"""The particle swarm of the other experiments, in a box."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from l2o.optimizers.black_box_search import Mirrored
from l2o.optimizers.draws import uniform_draws
from l2o.optimizers.population.pso import Pso
from l2o.optimizers.protocol import State


class PsoBox(Pso):
    """:class:`l2o.optimizers.population.pso.Pso` from uniform places, mirrored at the edge.

    A step asks for one value for each particle; the first query is the first particle.
    """

    name = "pso_box"
    label = "PSO"
    reference = "Clerc & Kennedy 2002, type 1''; Bratton & Kennedy 2007"
    hyperparameters = {"particles": 10, "chi": 0.72984, "attraction": 2.05, "seed": 0}
    ranges = {
        "particles": "integers [1, 10000]",
        "chi": "(0, 1]",
        "attraction": "(0, inf)",
        "seed": "integers [0, 1e15]",
    }
    departs = "what leaves the box is mirrored into it"

    def init(self, optimizee: Any, x: Tensor) -> State:
        seed = self.hyper["seed"]
        places = uniform_draws(seed, self.name, "start", like=x, count=self.particles).clone()
        places[0] = x
        values = optimizee.objective(places)
        best = places[values.argmin(dim=0), torch.arange(len(x))] - 0.5
        places = places - 0.5  # the swarm counts from the centre
        count = torch.zeros((), dtype=torch.int64)
        return best, places, torch.zeros_like(places), places, values, count

    def step(self, optimizee: Any, state: State) -> State:
        return super().step(Mirrored(optimizee), state)
