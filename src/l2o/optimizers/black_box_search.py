"""What methods for black-box functions share: memory of all queries, and the box.

They ask an optimizee for ``objective`` in [0, 1]^d and for nothing else.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from l2o.optimizers.draws import uniform_draws
from l2o.optimizers.protocol import Optimizer, State


class Sequential(Optimizer):
    """One query a step, chosen from all queries before.

    The state is (the last query, all queries (batch, k, d), their values (batch, k)). A subclass
    says where the next query is.
    """

    def init(self, optimizee: Any, x: Tensor) -> State:
        return x, x.unsqueeze(1), optimizee.objective(x).unsqueeze(1)

    def step(self, optimizee: Any, state: State) -> State:
        _, queries, values, *memory = state
        x, *memory = self.chosen(queries, values, *memory)
        value = optimizee.objective(x).unsqueeze(1)
        return x, torch.cat([queries, x.unsqueeze(1)], 1), torch.cat([values, value], 1), *memory

    def chosen(self, queries: Tensor, values: Tensor, *memory: Tensor) -> State:
        """Return the next query, (batch, d), and what is remembered besides.

        ``queries`` are (batch, k, d), ``values`` (batch, k).
        """
        raise NotImplementedError

    def uniform(self, what: str, queries: Tensor, count: int) -> Tensor:
        """Return points uniform in the box, (batch, count, d), from a stream of this step."""
        names = (self.name, what, queries.shape[1])
        return uniform_draws(self.hyper["seed"], *names, like=queries[:, 0], count=count).transpose(
            0, 1
        )


class Mirrored:
    """The functions on all of R^d, the box around 0, and what is outside mirrored into it.

    A method that knows no bounds then never leaves the box, and finds no plateau beyond its edge.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def objective(self, z: Tensor) -> Tensor:
        """Return values, (..., batch), at z, (..., batch, d)."""
        # Far away, where nothing is left of z but rounding, the remainder is not a number.
        place = (z.nan_to_num() + 0.5).remainder(2)
        return self.inner.objective(torch.minimum(place, 2 - place).clamp(0, 1))
