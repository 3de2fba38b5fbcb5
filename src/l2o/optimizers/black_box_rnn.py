"""An LSTM that turns the last query and its value into the next query; losses to train it by."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor, nn

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer


class BlackBoxRnn(RecurrentOptimizer):
    """h_t, x_t = RNN(h_{t-1}, x_{t-1}, y_{t-1}): a query is a sigmoid of a linear map of h_t.

    Values are asked for and nothing else; in training, derivatives are taken through them. The
    state is (x, y, h, c), (batch, d), (batch,) and twice (batch, hidden). A subclass says which
    loss trains it. Source: Chen et al. 2017, section 2; *Learning to Optimize: A Primer and A
    Benchmark*, eqs. (6) and (7).

    Parameters
    ----------
    hyper : ``dimension`` d and ``hidden``
    generator : draws the weights, uniform between +- 1 / sqrt(hidden)
    """

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        self.hidden, dimension = int(self.hyper["hidden"]), int(self.hyper["dimension"])
        self.cell = nn.LSTMCell(dimension + 1, self.hidden)
        self.output = nn.Linear(self.hidden, dimension)
        for parameter in self.parameters():
            nn.init.uniform_(
                parameter, -(self.hidden**-0.5), self.hidden**-0.5, generator=generator
            )

    def init(self, optimizee: Any, x: Tensor) -> State:
        blank = x.new_zeros(len(x), self.hidden)
        return x, optimizee.objective(x), blank, blank

    def step(self, optimizee: Any, state: State) -> State:
        x, y, h, c = state
        h, c = self.cell(torch.cat([2 * x - 1, y.unsqueeze(1)], dim=1), (h, c))
        x = self.output(h).sigmoid()
        return x, optimizee.objective(x), h, c

    def search_loss(self, values: Tensor) -> Tensor:
        """Return what training minimises, (), from all values of the runs, (queries, batch)."""
        raise NotImplementedError


def observed_improvement(values: Tensor) -> Tensor:
    """Return sum_t min(f(x_t) - min_{i<t} f(x_i), 0), (batch,), of values (queries, batch).

    Source: Chen et al. 2017, eq. (6).
    """
    before = values.cummin(dim=0).values[:-1]
    return (values[1:] - before).clamp_max(0.0).sum(dim=0)
