"""Minimax problems: derivatives, solutions, gaps, and the laws that instances are drawn from."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from l2o.optimizees.counted import Counted
from l2o.optimizees.minimax import PROBLEMS, Minimax, draw
from l2o.optimizees.protocol import Scaled
from l2o.optimizees.repeated import Repeated

LAWS = {
    "saddle": {"a": (0.9, 1.0), "b": (0.9, 1.0)},
    "rotated": {"a": (0.9, 1.0), "b": (0.9, 1.0)},
    "seesaw": {"a": (0.0, 5.0), "b": (0.0, 2.0)},
    "game": {"density": 0.5},
    "singular_game": {"density": 0.5},
}
each_problem = pytest.mark.parametrize("problem", LAWS)


def made(problem: str, count: int = 7, shift: float = 2.0, n: int = 0, seed: int = 3) -> Minimax:
    size = 2 * (n or (4 if "game" in problem else 1))
    law = {"problem": problem, "shift": shift, **LAWS[problem]}
    arrays = draw(np.random.default_rng(seed), count, size, law)
    return PROBLEMS[problem](**{name: torch.from_numpy(array) for name, array in arrays.items()})


def points(f: Minimax, *axes: int) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(5)
    shape = (*axes, len(f), f.dimension)
    return f.solution + torch.randn(shape, generator=drawn, dtype=torch.float64)


@each_problem
def test_the_operator_has_the_derivatives_of_the_payoff(problem):
    f = made(problem)
    z = points(f, 2).requires_grad_()
    (found,) = torch.autograd.grad(f.payoff(z).sum(), z)
    down, up = found.chunk(2, dim=-1)
    assert torch.allclose(f.gradient(z.detach()), torch.cat([down, -up], dim=-1), rtol=1e-12)
    assert torch.equal(f.partial(z, 0), f.gradient(z).chunk(2, dim=-1)[0])
    assert torch.equal(f.partial(z, 1), f.gradient(z).chunk(2, dim=-1)[1])


@each_problem
def test_nothing_slopes_at_the_solution_and_its_distance_is_zero(problem):
    f = made(problem)
    assert f.gradient(f.solution).abs().max() < 1e-12
    assert f.objective(f.solution).abs().max() < 1e-12
    assert (f.objective(points(f)) > 0.01).all()


def test_payoffs_are_those_of_the_paper_in_plain_python():
    for problem in LAWS:
        f = made(problem)
        z = points(f)
        for q in range(len(f)):
            u, v = (part[q].numpy() for part in f.players(z))
            if "game" in problem:
                A = f.A[q].numpy()
                expected = sum(u[i] * A[i, j] * v[j] for i in range(len(u)) for j in range(len(v)))
            else:
                a, b, x, y = float(f.a[q, 0]), float(f.b[q, 0]), u[0], v[0]
                expected = -b * y * math.sin(a * math.pi * x)
                if problem != "seesaw":
                    expected = a * x**2 - b * y**2 + 2 * x * y * (problem == "rotated")
            assert float(f.payoff(z)[q]) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_a_seesaw_is_measured_to_its_nearest_solution():
    f = made("seesaw", 20)
    z = points(f)
    for q in range(len(f)):
        a, (x, y) = float(f.a[q, 0]), z[q].numpy() - f.solution[q].numpy()
        near = min(abs(x - k / a) for k in range(-60, 61))
        assert float(f.distance(z)[q]) == pytest.approx(near + abs(y), rel=1e-9, abs=1e-12)
    k = torch.tensor([3.0, -2.0])
    for one in k:  # solutions that are not the given one
        others = f.solution + torch.cat([one / f.a, torch.zeros_like(f.a)], dim=-1)
        assert f.gradient(others).abs().max() < 1e-9 and f.distance(others).max() < 1e-9


@pytest.mark.parametrize("problem", ["game", "singular_game"])
def test_the_duality_gap_is_that_of_linear_programs(problem):
    f = made(problem, 4)
    z, n = points(f), f.dimension // 2
    gaps = f.gap(z)
    for q in range(len(f)):
        A, star = f.A[q].numpy(), f.solution[q].numpy()
        u, v = (part[q].numpy() for part in f.players(z))
        # max over y of u^T A (y - y*) and min over x of (x - x*)^T A v, in boxes around x*, y*.
        best = [
            linprog(c, bounds=[(s - 1, s + 1) for s in at])
            for c, at in ((-A.T @ u, star[n:]), (A @ v, star[:n]))
        ]
        high = -best[0].fun - u @ A @ star[n:]
        low = best[1].fun - star[:n] @ A @ v
        assert float(gaps[q]) == pytest.approx(high - low, rel=1e-9)


def test_singular_games_are_apart_and_have_planes_of_solutions():
    regular, singular = (made(p, 40, n=3).A.numpy() for p in ("game", "singular_game"))
    assert (np.linalg.matrix_rank(regular) == 3).all()
    assert (np.linalg.matrix_rank(singular) < 3).all()
    f = made("singular_game", 5)
    kernel = torch.stack([torch.linalg.svd(A).Vh[-1] for A in f.A])
    far = f.solution + torch.cat([torch.zeros_like(kernel), 10 * kernel], dim=-1)
    assert f.distance(far).min() > 5 and f.objective(far).max() < 1e-9
    values = np.concatenate([regular.ravel(), singular.ravel()])
    assert set(np.unique(values[values < 0.5])) == {0.0} and values.max() <= 1


def test_laws_have_the_ranges_given():
    f = made("seesaw", 2000)
    assert 0 < f.a.min() < 0.1 and 4.9 < f.a.max() <= 5 and 1.9 < f.b.max() <= 2
    assert f.solution.abs().max() <= 2 and abs(float(f.solution.mean())) < 0.1
    assert made("seesaw", 3, shift=0.0).solution.abs().max() == 0
    assert torch.equal(made("rotated").c, torch.ones(7, 1, dtype=torch.float64))
    assert made("saddle").c.abs().max() == 0


@each_problem
def test_several_points_of_an_instance_are_asked_about_at_once(problem):
    f = made(problem)
    z = points(f, 3)
    rows = z.movedim(0, 1).flatten(0, 1)
    both = Repeated(f, 3)
    assert torch.allclose(both.payoff(rows), f.payoff(z).T.flatten())
    for player in (0, 1):
        expected = f.partial(z, player).movedim(0, 1).flatten(0, 1)
        assert torch.allclose(both.partial(rows, player), expected)
    assert torch.allclose(both.gradient(rows), f.gradient(z).movedim(0, 1).flatten(0, 1))


def test_half_a_gradient_counts_as_a_half():
    f = made("seesaw")
    counted, z = Counted(Repeated(f, 1)), points(f)
    counted.partial(z, 0)
    counted.partial(z, 1)
    assert counted.evaluations().tolist() == [1.0] * len(f)
    counted.gradient(z)
    counted.payoff(z)  # what training looks at
    assert counted.evaluations().tolist() == [2.0] * len(f)
    counted.partial(z, 1)
    assert counted.evaluations().tolist() == [2.5] * len(f)


def test_a_scaled_problem_has_scaled_halves():
    f = made("game")
    c = torch.rand(len(f), f.dimension, generator=torch.Generator().manual_seed(1)).double() + 0.5
    scaled, z = Scaled(f, c), points(f)
    halves = torch.cat([scaled.partial(z, player) for player in (0, 1)], dim=-1)
    assert torch.allclose(halves, scaled.gradient(z), rtol=1e-12)


def test_nets_are_chosen_by_the_mean_logarithm_of_the_distance():
    f = made("saddle")
    z = f.solution + torch.tensor([1e-3, 0.0])
    assert float(f.meta_loss(z)) == pytest.approx(-3)
    assert float(f.meta_loss(f.solution)) == pytest.approx(-30)
