"""Small regressions: their gradients, their laws, their minima."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime, differential_evolution

from l2o.evaluation.family import Runs
from l2o.evaluation.small_regression import excess_columns, minima
from l2o.optimizees.repeated import Repeated
from l2o.optimizees.small_regression import EIGENVALUES, NOISE, PROBLEMS, draw

SIZES = {"quadratic": 3, "logistic": 4, "robust": 4}
each_problem = pytest.mark.parametrize("problem", PROBLEMS)


def instances(problem: str, count: int = 5, seed: int = 0, n: int = 0):
    """Problems of a family, float64."""
    arrays = draw(np.random.default_rng(seed), problem, count, n or SIZES[problem])
    return PROBLEMS[problem](**{name: torch.from_numpy(a) for name, a in arrays.items()})


@each_problem
def test_gradients_are_those_of_finite_differences_at_every_point_of_a_batch(problem):
    f = instances(problem, n=5)
    assert f.dimension == 5 and len(f) == 5
    x = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradient, values = f.gradient(x), f.objective(x)
    for at in range(5):
        one = f.batch(torch.tensor([at]))
        for which in range(2):

            def value(point, one=one):
                return float(one.objective(torch.from_numpy(point)[None])[0])

            point = x[which, at].numpy()
            assert value(point) == pytest.approx(float(values[which, at]), rel=1e-12)
            found = approx_fprime(point, value, 1e-7)
            assert gradient[which, at].numpy() == pytest.approx(found, rel=1e-4, abs=1e-5)
    both = Repeated(f, 2).gradient(x.transpose(0, 1).flatten(0, 1))
    assert torch.allclose(both.unflatten(0, (5, 2)).transpose(0, 1), gradient, rtol=1e-12)


def test_values_are_those_of_the_formulas():
    x = torch.tensor([[0.5, -1.0, 0.25, 2.0]], dtype=torch.float64)
    f = instances("logistic", 1)
    w, b = x[0, :3].numpy(), 2.0
    points, t = f.points[0, :, :3].numpy(), f.targets[0].numpy()
    value = np.log1p(np.exp(-t * (points @ w + b))).mean() + 5e-4 / 2 * w @ w
    assert float(f.objective(x)[0]) == pytest.approx(value, rel=1e-12)
    f = instances("robust", 1)
    r = f.targets[0].numpy() - f.points[0, :, :3].numpy() @ w - b
    assert float(f.objective(x)[0]) == pytest.approx((r**2 / (1 + r**2)).mean(), rel=1e-12)
    f = instances("quadratic", 1)
    away = np.array([0.5, -1.0, 0.25]) - f.centre[0].numpy()
    found = float(f.objective(x[:, :3])[0])
    assert found == pytest.approx(away @ f.A[0].numpy() @ away / 2, rel=1e-12)


def test_problems_have_the_laws_that_they_are_said_to_have():
    f = instances("quadratic", 400)
    values = torch.linalg.eigvalsh(f.A)
    assert values.min() >= EIGENVALUES[0] and values.max() <= EIGENVALUES[1]
    assert float(values.mean()) == pytest.approx(15.5, abs=0.8)
    assert float(f.A[:, 0, 1].mean()) == pytest.approx(0.0, abs=1.0)  # no axis is preferred
    f = instances("logistic", 20)
    assert f.points.shape == (20, 100, 4) and (f.points[..., -1] == 1).all()
    assert (f.targets.sum(dim=1) == 0).all() and (f.targets.abs() == 1).all()
    f = instances("robust", 50)
    assert f.points.shape == (50, 100, 4)
    for group in range(4):  # one vector and bias fit a group, up to the noise, and not the others
        rows = slice(25 * group, 25 * group + 25)
        fit = torch.linalg.lstsq(f.points[:, rows], f.targets[:, rows, None]).solution
        rest = (f.targets.unsqueeze(2) - f.points @ fit)[..., 0]
        within = rest[:, rows].square().sum() / (50 * (25 - 4))
        assert float(within.sqrt()) == pytest.approx(NOISE, rel=0.1)
        assert rest.std() > 5 * NOISE


@each_problem
def test_minima_are_certified_and_no_lower_than_another_search_finds(problem):
    f = instances(problem, 3, seed=2)
    rows = minima(f, 40, 0)
    assert [row["instance"] for row in rows] == [0, 1, 2]
    for at, row in enumerate(rows):
        assert row["gradient"] < 1e-12 and row["curvature"] > 0 and row["agreeing"] > 0
        if problem != "robust":
            assert row["agreeing"] == 1.0
            assert problem != "quadratic" or row["minimum"] == pytest.approx(0.0, abs=1e-15)
        elif at < 2:
            one = f.batch(torch.tensor([at]))

            def value(points, one=one):
                x = torch.from_numpy(np.ascontiguousarray(points.T)).unsqueeze(1)
                return one.objective(x)[:, 0].numpy()

            given = {"seed": 0, "vectorized": True, "updating": "deferred", "popsize": 20}
            other = differential_evolution(value, [(-6.0, 6.0)] * 4, maxiter=150, **given)
            assert row["minimum"] == pytest.approx(other.fun, abs=1e-7)


def test_the_excess_is_told_over_all_runs_and_what_is_below_a_minimum_is_counted():
    values = np.array([[[3.0, 5.0], [2.0, np.inf]], [[1.0, 4.0], [0.5, 4.0 + 1e-7]]])
    runs = Runs(values, np.zeros_like(values), 0.0)
    first, last = excess_columns(runs, np.array([1.0, 4.0]))
    assert first["gap"] == np.inf and first["gap_median"] == 1.5 and first["solved"] == 0.0
    assert last["gap"] == pytest.approx(2.5e-8) and last["solved"] == 1.0
    assert last["below"] == 0.25 and last["gap_low"] == 0.0 and last["gap_q75"] > 0
