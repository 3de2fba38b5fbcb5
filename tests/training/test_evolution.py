"""The meta-gradient by evolution strategies, against the derivative of whole runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from l2o.config.meta_training import Evolution
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.training.episodes import end_loss, set_gradients
from l2o.training.meta import WORST, whole_run_gradient

BUDGET = Evolution(updates=1, pairs=400, batch_size=1, horizon=6, sigma=0.01, rate=0.1)


class Momentum(RecurrentOptimizer):
    """x+ = x - exp(w0) g + tanh(w1) (x - before): two weights."""

    name, label, reference, hyperparameters = "momentum", "Momentum", "", {}

    def __init__(self) -> None:
        super().__init__({}, torch.Generator())
        self.weights = torch.nn.Parameter(torch.tensor([-2.0, 0.3], dtype=torch.float64))

    def init(self, optimizee, x: Tensor) -> tuple[Tensor, ...]:
        return x, x

    def step(self, optimizee, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        x, before = state
        rate, share = self.weights[0].exp(), self.weights[1].tanh()
        return x - rate * optimizee.gradient(x) + share * (x - before), x


@dataclass(frozen=True)
class Ripples:
    """mean over i of x_i^2 / 2 + depth (1 - cos(5 x_i)); its gradient can be differentiated."""

    depth: float = 0.05

    def objective(self, x: Tensor) -> Tensor:
        return (0.5 * x.square() + self.depth * (1.0 - (5.0 * x).cos())).mean(dim=-1)

    def gradient(self, x: Tensor) -> Tensor:
        return (x + 5.0 * self.depth * (5.0 * x).sin()) / x.shape[-1]

    def meta_loss(self, x: Tensor) -> Tensor:
        return self.objective(x).mean()


def starts() -> Tensor:
    return torch.randn(8, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def estimate(optimizer: Momentum, budget: Evolution = BUDGET, optimizee=None) -> float:
    generator = torch.Generator().manual_seed(2)
    given = optimizee or Ripples()
    found = whole_run_gradient(optimizer, lambda: (given, starts()), budget, generator)
    set_gradients([optimizer.weights], found[0])
    return found[1]


def loss_of(optimizer: Momentum, horizon: int) -> Tensor:
    steps = iterates(optimizer, Ripples(), starts())
    last = [next(steps) for _ in range(horizon)][-1]
    return Ripples().meta_loss(last)


def test_it_estimates_the_derivative_of_the_last_loss_through_the_whole_run():
    optimizer = Momentum()
    (exact,) = torch.autograd.grad(loss_of(optimizer, BUDGET.horizon), optimizer.weights)
    before = optimizer.weights.detach().clone()
    mean = estimate(optimizer)
    found = optimizer.weights.grad
    assert torch.nn.functional.cosine_similarity(found, exact, dim=0) > 0.99
    assert found.norm() == pytest.approx(exact.norm().item(), rel=0.15)
    assert torch.equal(optimizer.weights, before)  # and leaves the weights alone
    assert mean == pytest.approx(loss_of(optimizer, BUDGET.horizon).item(), rel=0.01)


def test_the_last_iterates_count_alike():
    optimizer = Momentum()
    losses = [loss_of(optimizer, steps).item() for steps in (5, 6)]
    found = end_loss(optimizer, Ripples(), starts(), steps=6, last=2)
    assert found == pytest.approx(sum(losses) / 2)


def test_the_same_stream_gives_the_same_bits():
    first, second = Momentum(), Momentum()
    few = BUDGET.model_copy(update={"pairs": 3})
    assert estimate(first, few) == estimate(second, few)
    assert torch.equal(first.weights.grad, second.weights.grad)


def test_runs_that_diverge_count_a_bounded_loss():
    few = BUDGET.model_copy(update={"pairs": 5, "sigma": 8.0, "horizon": 200})
    optimizer = Momentum()
    mean = estimate(optimizer, few)
    assert math.isfinite(mean) and torch.isfinite(optimizer.weights.grad).all()
    assert mean <= float(Ripples().meta_loss(starts())) + WORST


def test_a_start_that_has_no_loss_is_told_by_nan():
    few = BUDGET.model_copy(update={"pairs": 2})
    assert math.isnan(estimate(Momentum(), few, Ripples(math.nan)))
