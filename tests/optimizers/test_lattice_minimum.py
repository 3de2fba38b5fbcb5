"""Exact minima of the Rastrigin family: against a grid, and against another way to all wells."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from l2o.evaluation.runs import start_points
from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizers import lattice_minimum as module
from l2o.optimizers.convex_boxes import Boxed, is_least
from l2o.optimizers.exhaustive import exhaustive_minimum
from l2o.optimizers.lattice import points_within, reduced_basis
from l2o.optimizers.lattice_minimum import lattice_minimum
from l2o.optimizers.run_and_inspect import Inspection, run_and_inspect
from small_landscapes import classical_rastrigin


def instances(n: int, count: int) -> list[Rastrigin]:
    arrays = next(iter(sample_slices(n, count, 0, ("lattice",))))
    f = Rastrigin(*(torch.from_numpy(array.copy()) for array in arrays))
    return [f.batch(torch.tensor([i])) for i in range(count)]


def every_well(f: Rastrigin, level: float) -> float:
    """The minimum, if it is at most ``level``, by a way of its own.

    1 - cos 2 pi d >= 8 d^2 in all of a well, so that f is at least a constant and a quadratic form
    of the well's place; its wells below the level are found entry by entry from Schur complements
    of that form's inverse, in the given basis, and SciPy descends in each from several places.
    """
    A, b, c = (part[0].numpy() for part in (f.A, f.b, f.c))
    n, weight = len(c), 16 * f.alpha * np.abs(c)
    form = np.linalg.inv(np.linalg.inv(A.T @ A) + np.diag(1 / weight))
    bound = f.alpha * (n - np.abs(c).sum())
    middle, shift = np.linalg.solve(A, b), np.where(c < 0, 0.5, 0.0)
    found: list[np.ndarray] = []

    def enter(place: list[float], centre: np.ndarray, rest: np.ndarray, left: float) -> None:
        if not len(rest):
            found.append(np.array(place))
            return
        spread = np.linalg.inv(rest)  # of the form that is least over all later entries
        half = math.sqrt(2 * max(left, 0.0) * spread[0, 0])
        at, offset = centre[0], shift[len(place)]
        for z in range(math.ceil(at - half - offset), math.floor(at + half - offset) + 1):
            moved = z + offset - at
            later = centre[1:] + spread[1:, 0] / spread[0, 0] * moved
            used = moved**2 / spread[0, 0] / 2
            enter([*place, z + offset], later, rest[1:, 1:], left - used)

    enter([], middle, form, level - bound + 1e-9)
    assert found

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        r = A @ x - b
        waves = 2 * np.pi * f.alpha * c * np.sin(2 * np.pi * x)
        f_x = r @ r / 2 + f.alpha * (n - c @ np.cos(2 * np.pi * x))
        return f_x, A.T @ r + waves

    random = np.random.default_rng(0)
    starts = [z + d for z in found for d in (0, *random.uniform(-0.4, 0.4, (2, n)))]
    return min(minimize(value, x, jac=True, method="BFGS", tol=1e-8).fun for x in starts)


@pytest.mark.parametrize("number", range(12))
def test_in_two_dimensions_it_is_what_an_exhaustive_grid_finds(number):
    f = instances(2, 12)[number]
    found = lattice_minimum(f)
    assert found.proven and found.wells >= 1 and found.boxes >= 1
    grid = exhaustive_minimum(f, found.objective + 1e-9)
    assert math.isnan(grid) or found.objective == pytest.approx(grid, abs=1e-9)
    assert f.objective(torch.from_numpy(found.x)[None])[0].item() == found.objective


@pytest.mark.parametrize("n", [3, 5, 6])
def test_another_way_to_all_wells_finds_nothing_lower(n):
    for f in instances(n, 5):
        found = lattice_minimum(f)
        assert found.proven
        assert every_well(f, found.objective) == pytest.approx(found.objective, abs=1e-6)


def test_it_is_never_above_run_and_inspect_and_below_it_in_ten_dimensions():
    ones = instances(10, 8)
    f = Rastrigin(*(torch.cat([getattr(one, name) for one in ones]) for name in "Abc"))
    oracle = run_and_inspect(f, start_points(0, 3, 8, 10, 1.0), 0, Inspection(5.0, 512)).objective
    lowest = np.array([lattice_minimum(one).objective for one in ones])
    assert (lowest <= oracle.numpy() + 1e-9).all() and lowest.mean() < oracle.mean() - 0.1


def test_the_classical_minimum_is_zero_and_proven():
    found = lattice_minimum(classical_rastrigin(10))
    assert found.proven and found.objective == pytest.approx(0.0, abs=1e-9)


def test_signs_and_weights_near_zero_make_no_difference_to_the_proof():
    (f,) = instances(4, 1)
    boxes = []
    for c in ([-1.0, 0.02, -0.05, 0.6], [0.003, 1.0, -0.3, 0.05], [0.0, 1.0, -0.3, 0.05]):
        one = replace(f, c=torch.tensor([c], dtype=torch.float64))
        found = lattice_minimum(one)
        assert found.proven
        boxes.append(found.boxes)
        starts = start_points(1, 300, 1, 4, 3.0)
        assert found.objective <= module.local_minimum(one, starts)[1].min() + 1e-9
    assert max(boxes) > 1


def test_nothing_is_proven_beyond_the_limit_or_above_a_known_value(monkeypatch):
    f = instances(5, 1)[0]
    best = lattice_minimum(f)
    assert not lattice_minimum(f, best.objective - 0.01).proven
    assert lattice_minimum(f, best.objective + 1.0).proven
    monkeypatch.setattr(module, "VISITED", 3)
    given_up = lattice_minimum(f)
    assert (given_up.proven, given_up.wells) == (False, 0)
    assert given_up.objective >= best.objective - 1e-9


def test_a_level_above_the_minimum_of_a_box_is_refused_and_one_below_accepted():
    f = instances(3, 1)[0]
    found = lattice_minimum(f)
    problem = Boxed(*(part[0].numpy() for part in (f.A, f.b, f.c)), f.alpha)
    box = (found.x[None] - 0.45, found.x[None] + 0.45)
    assert is_least(problem, *box, found.objective - 1e-6)[0]
    assert not is_least(problem, *box, found.objective + 0.01)[0]
    assert is_least(problem, *box, found.objective - 1e-6, limit=1) in ((True, 1), (False, 1))


def test_curvatures_of_a_box_are_the_extremes_in_it():
    random = np.random.default_rng(0)
    f = Boxed(np.eye(4), np.zeros(4), random.standard_normal(4), 10.0)
    for _ in range(20):
        ends = np.sort(random.uniform(-1.5, 1.5, (2, 4)), axis=0)
        inside = np.linspace(*ends, 4001)
        bent = 4 * np.pi**2 * 10.0 * f.c * np.cos(2 * np.pi * inside)
        least, largest = f.curvatures(*ends)
        assert np.allclose(least, bent.min(0), atol=0.01)
        assert np.allclose(largest, bent.max(0), atol=0.01)


def test_a_reduced_basis_spans_the_same_lattice_and_is_short():
    B = np.random.default_rng(1).standard_normal((6, 6))
    skewed = B @ np.triu(np.random.default_rng(2).integers(-9, 9, (6, 6)), 1) + B
    reduced, U = reduced_basis(skewed)
    assert np.allclose(skewed @ U, reduced) and round(abs(np.linalg.det(U))) == 1
    R = np.abs(np.linalg.qr(reduced)[1])
    assert (np.triu(R, 1) <= 0.5 * np.diag(R)[:, None] + 1e-9).all()
    lengths = np.diag(R) ** 2
    assert (lengths[1:] + np.diag(R, 1) ** 2 >= 0.99 * lengths[:-1] - 1e-9).all()
    assert np.linalg.norm(reduced, axis=0).max() < np.linalg.norm(skewed, axis=0).max()


def test_all_lattice_points_of_a_ball_are_listed_nearest_first():
    random = np.random.default_rng(3)
    B, target = random.standard_normal((3, 3)), random.standard_normal(3)
    z, visited = points_within(B, target, 4.0, 10**6)
    grid = np.array([*itertools.product(range(-25, 26), repeat=3)])
    inside = grid[((grid @ B.T - target) ** 2).sum(1) <= 4.0]
    assert {*map(tuple, z.astype(int))} == {*map(tuple, inside)} and visited >= len(z) > 3
    far = ((z @ B.T - target) ** 2).sum(1)
    assert (np.diff(far) >= -1e-12).all()
    assert points_within(B, target, 4.0, 2)[0] is None
