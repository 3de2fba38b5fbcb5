"""Random search: what any method that uses values has to beat."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.black_box_search import Sequential
from l2o.optimizers.protocol import State


class RandomSearch(Sequential):
    """Every query is uniform in the box, whatever the values were."""

    name = "random_search"
    label = "Random search"
    reference = "Bergstra & Bengio 2012"
    hyperparameters = {"seed": 0}
    ranges = {"seed": "integers [0, 1e15]"}

    def chosen(self, queries: Tensor, values: Tensor, *memory: Tensor) -> State:
        return (self.uniform("query", queries, 1)[:, 0],)
