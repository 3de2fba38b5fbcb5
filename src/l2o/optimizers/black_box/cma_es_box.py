"""The CMA-ES of the other experiments, in a box."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from l2o.optimizers.black_box_search import Mirrored
from l2o.optimizers.population.cma_es import CmaEs
from l2o.optimizers.protocol import State


class CmaEsBox(CmaEs):
    """:class:`l2o.optimizers.population.cma_es.CmaEs` around a first query, mirrored at the edge.

    A step asks for ``evaluations`` values, one by default; restarts begin around the centre.
    """

    name = "cma_es_box"
    label = "CMA-ES"
    reference = "Hansen 2016 (arXiv:1604.00772); restarts: Auger & Hansen 2005 (IPOP)"
    hyperparameters = {
        "evaluations": 1,
        "population": 6,
        "doublings": 4,
        "sigma": 0.3,
        "spread": 0.3,
        "seed": 0,
    }
    ranges = {
        "evaluations": "integers [1, 10000]",
        "population": "integers [4, 10000]",
        "doublings": "integers [0, 10]",
        "sigma": "(0, inf)",
        "spread": "[0, inf)",
        "seed": "integers [0, 1e15]",
    }
    departs = "what leaves the box is mirrored into it"

    def init(self, optimizee: Any, x: Tensor) -> State:
        if optimizee is None:  # a restart, which counts from the centre already
            return super().init(None, x)
        optimizee.objective(x)  # the query that all methods begin with
        return super().init(None, x - 0.5)

    def step(self, optimizee: Any, state: State) -> State:
        return super().step(Mirrored(optimizee), state)
