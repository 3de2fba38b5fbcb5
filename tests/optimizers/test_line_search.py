"""Line-searched gradient descent and NAG against plain loops over single instances."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizers.first_order.gd_line_search import GdLineSearch
from l2o.optimizers.first_order.nag import Nag
from l2o.optimizers.line_search import backtracked
from l2o.optimizers.local_descent import local_minimum
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods

RATE, SHRINK, DECREASE = 0.1, 0.5, 0.5


@pytest.fixture(scope="module")
def problem() -> tuple[Rastrigin, torch.Tensor]:
    arrays = next(iter(sample_slices(3, 12, 8, ("rastrigin", "test"))))
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    return Rastrigin(*(torch.from_numpy(array.copy()) for array in arrays)), start


def plain(f: Rastrigin, q: int):
    """The value and the gradient of one instance, in NumPy."""
    A, b, c = (part[q].numpy() for part in (f.A, f.b, f.c))

    def value(x):
        r = A @ x - b
        return 0.5 * r @ r - 10 * c @ np.cos(2 * np.pi * x) + 10 * len(x)

    def gradient(x):
        return A.T @ (A @ x - b) + 20 * np.pi * c * np.sin(2 * np.pi * x)

    return value, gradient


def searched(value, at, g, t: float) -> float:
    while value(at - t * g) > value(at) - DECREASE * t * g @ g:
        t *= SHRINK
    return t


def reference_gd(value, gradient, x, steps: int):
    t = RATE
    for _ in range(steps):
        g = gradient(x)
        t = searched(value, x, g, t)
        x = x - t * g
    return x


def reference_nag(value, gradient, x, steps: int):
    t, s, y = RATE, 1.0, x
    for _ in range(steps):
        g = gradient(y)
        t = searched(value, y, g, t)
        new, following = y - t * g, (1 + np.sqrt(1 + 4 * s * s)) / 2
        y, x, s = new + (s - 1) / following * (new - x), new, following
    return x


@pytest.mark.parametrize(
    ("kind", "reference"), [(GdLineSearch, reference_gd), (Nag, reference_nag)]
)
def test_a_batch_is_a_loop_over_instances(problem, kind, reference):
    f, start = problem
    *_, last = islice(iterates(kind({}), f, start), 15)
    for q in range(len(start)):
        expected = reference(*plain(f, q), start[q].numpy(), 15)
        assert np.allclose(last[q].numpy(), expected, rtol=1e-8, atol=1e-8)


def test_gradient_descent_with_a_line_search_never_rises(problem):
    f, start = problem
    value = f.objective(start)
    for x in islice(iterates(GdLineSearch({}), f, start), 300):
        reached = f.objective(x)
        assert (reached <= value + 1e-12 * (1 + value.abs())).all()
        value = reached
    assert (value < f.objective(start) - 1.0).all()


@pytest.mark.parametrize("kind", [GdLineSearch, Nag])
def test_both_end_at_stationary_points_and_stay(problem, kind):
    f, start = problem
    *_, last = islice(iterates(kind({}), f, start), 3000)
    assert f.gradient(last).abs().median() < 1e-6
    assert torch.isfinite(last).all()
    assert kind({}).hyper == methods("first_order")[kind.name].hyperparameters


def test_a_search_that_cannot_succeed_stays_where_it_is(problem):
    f, start = problem
    f = Rastrigin(f.A, f.b, torch.zeros_like(f.c))  # a quadratic
    value, g = f.objective(start), f.gradient(start)
    ones = torch.ones_like(value)
    slope = -0.5 * g.square().sum(dim=-1)
    at, reached, step = backtracked(f, start, value, g, slope, ones, 0.5)  # uphill
    assert torch.equal(at, start) and torch.equal(reached, value) and not step.any()
    none = torch.full_like(start, torch.nan)
    at, _, step = backtracked(f, none, f.objective(none), -g, slope, ones, 0.5)
    assert at.isnan().all() and not step.any()


def test_steps_beyond_the_numbers_are_shortened(problem):
    f, start = problem
    value, g = f.objective(start), f.gradient(start)
    slope = -0.5 * g.square().sum(dim=-1)
    huge = torch.full_like(value, 1e300)
    _, reached, step = backtracked(f, start, value, -g, slope, huge, 0.01)
    assert not step.any() and torch.equal(reached, value)  # below 1e-12 of the first step
    _, reached, step = backtracked(f, start, value, -g, slope, torch.ones_like(value), 0.5)
    assert (step > 0).all() and (reached < value).all()


def test_bfgs_ends_at_local_minima_whatever_the_batch(problem):
    f, start = problem
    x, value = local_minimum(f, start)
    assert f.gradient(x).abs().max() < 1e-6 and torch.equal(value, f.objective(x))
    around = x + 1e-3 * torch.randn(500, *x.shape, dtype=x.dtype)
    assert (f.objective(around) >= value - 1e-9).all()
    for q in range(len(start)):
        one = Rastrigin(f.A[[q]], f.b[[q]], f.c[[q]])
        assert torch.allclose(local_minimum(one, start[[q]])[0][0], x[q], rtol=1e-5, atol=1e-5)
