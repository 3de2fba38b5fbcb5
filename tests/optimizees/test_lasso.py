"""LASSO: objective and subgradient against autograd, optima against an independent solver."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso as ScikitLasso

from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.errors import InputError
from l2o.optimizees import lasso_optimum as lasso_optimum_module
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.lasso_optimum import lasso_objective, lasso_optimum, relative_gap
from l2o.optimizees.sparse_recovery import sample_slices

LAM = 0.005


def instances(m: int, n: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    A = gaussian_dictionary(m, n, seed=5)
    slices = sample_slices(A, count, 0.1, None, 5, ("lasso", "test"))
    return A, np.concatenate([b for _, b in slices]).astype(np.float64)


@pytest.fixture(scope="module", params=[(5, 10), (25, 50)], ids=["5x10", "25x50"])
def problem(request):
    A, b = instances(*request.param, 300)
    return A, b, lasso_optimum(A, b, LAM)


def test_the_optimum_is_certified_to_a_relative_gap_of_1e_10(problem):
    A, b, optima = problem
    assert optima.gap.max() <= 1e-10
    assert np.allclose(optima.gap, relative_gap(A, b, LAM, optima.x), rtol=0, atol=0)
    assert np.array_equal(optima.objective, lasso_objective(A, b, LAM, optima.x))


def test_an_independent_solver_finds_nothing_lower_and_the_same_value(problem):
    A, b, optima = problem
    m = A.shape[0]
    solver = ScikitLasso(alpha=LAM / m, fit_intercept=False, tol=1e-15, max_iter=1_000_000)
    for row in range(40):
        x = solver.fit(A, b[row]).coef_[None]
        other = lasso_objective(A, b[row : row + 1], LAM, x)[0]
        assert other == pytest.approx(optima.objective[row], rel=1e-9)
        assert other >= optima.objective[row] * (1 - 1e-10)


def test_no_random_direction_leads_down(problem):
    A, b, optima = problem
    random = np.random.default_rng(0)
    for scale in (1e-3, 1e-6):
        moved = optima.x + scale * random.standard_normal(optima.x.shape)
        assert (lasso_objective(A, b, LAM, moved) >= optima.objective * (1 - 1e-10)).all()


def test_the_gap_tells_what_is_not_optimal(problem):
    A, b, optima = problem
    worse = optima.x * 1.001
    excess = lasso_objective(A, b, LAM, worse) / optima.objective - 1
    gaps = relative_gap(A, b, LAM, worse)
    assert (gaps >= excess * (1 - 1e-6)).all()
    assert gaps.max() > 1e-6


def test_zero_measurements_have_the_optimum_zero():
    A = gaussian_dictionary(5, 10, seed=5)
    optima = lasso_optimum(A, np.zeros((2, 5)), LAM)
    assert not optima.x.any() and not optima.objective.any()


def test_a_weight_that_is_too_large_has_the_optimum_zero():
    A, b = instances(5, 10, 4)
    optima = lasso_optimum(A, b, 2 * np.abs(b @ A).max())
    assert not optima.x.any()


def test_objective_and_subgradient_agree_with_autograd():
    A, b = (torch.from_numpy(array) for array in instances(25, 50, 8))
    optimum = torch.from_numpy(lasso_optimum(A.numpy(), b.numpy(), LAM).objective)
    lasso = Lasso(A, b, LAM, optimum).batch(torch.arange(8))
    x = torch.randn(8, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[:, 3] = 0.0
    x.requires_grad_(True)
    value = lasso.objective(x)
    assert np.allclose(
        value.detach(), lasso_objective(A.numpy(), b.numpy(), LAM, x.detach().numpy())
    )
    (expected,) = torch.autograd.grad(value.sum(), x)
    assert torch.allclose(lasso.gradient(x.detach()), expected, rtol=1e-12, atol=1e-14)
    expected = (value - optimum) / optimum
    assert torch.allclose(lasso.relative_loss(x), expected)
    pooled = lasso.excess(x).sum() / lasso.optimum.sum()  # eq. (19)
    assert torch.allclose(lasso.meta_loss(x), torch.log(pooled + 1e-5))


def test_an_optimum_that_cannot_be_certified_is_told(monkeypatch):
    monkeypatch.setattr(lasso_optimum_module, "_ROUNDS", (5,))
    A = gaussian_dictionary(5, 10, 1)
    with pytest.raises(InputError, match=r"LASSO: lam 1e-12: instance 0 cannot be certified: .*; "):
        lasso_optimum(A, np.ones((1, 5)), 1e-12)
