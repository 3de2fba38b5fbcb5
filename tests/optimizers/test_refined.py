"""FISTA to a duality gap, against certified optima."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2o.optimizees.lasso_optimum import lasso_objective, lasso_optimum
from l2o.optimizees.lasso_optimum import relative_gap as certified_gap
from l2o.optimizers.refined import refined, relative_gap

M, N, ROWS, LAM = 12, 30, 24, 0.15


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    A = generator.standard_normal((M, N))
    A /= np.linalg.norm(A, axis=0)
    return A, generator.standard_normal((ROWS, M))


def tensors(*arrays: np.ndarray, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    return [torch.from_numpy(np.asarray(array)).to(dtype) for array in arrays]


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-8])
def test_the_gap_is_reached_and_bounds_the_excess(problem, tolerance):
    A, b = problem
    start = np.zeros((ROWS, N))
    x, gap = refined(*tensors(A, b), LAM, *tensors(start), tolerance, 5000)
    assert gap.max() <= tolerance
    f, optimum = lasso_objective(A, b, LAM, x.numpy()), lasso_optimum(A, b, LAM).objective
    assert ((f - optimum) / f <= tolerance).all()
    assert np.allclose(certified_gap(A, b, LAM, x.numpy()), gap.numpy(), atol=1e-12)


def test_single_precision_is_near_the_same_point(problem):
    A, b = problem
    start = np.zeros((ROWS, N))
    x, gap = refined(*tensors(A, b, dtype=torch.float32), LAM, torch.zeros(ROWS, N), 1e-4, 5000)
    f = lasso_objective(A, b, LAM, x.double().numpy())
    assert x.dtype == torch.float32 and gap.max() <= 1e-4
    assert np.allclose(f, lasso_optimum(A, b, LAM).objective, rtol=1e-4)
    assert lasso_objective(A, b, LAM, start).mean() > 1.5 * f.mean()


def test_few_iterations_are_kept_to_and_leave_a_gap(problem):
    A, b = tensors(*problem)
    start = torch.zeros(ROWS, N, dtype=torch.float64)
    none, first = refined(A, b, LAM, start, 0.0, 0)
    few, gap = refined(A, b, LAM, start, 0.0, 13)
    assert torch.equal(none, start) and (gap < first).all() and (gap > 0).all()
    assert torch.equal(gap, relative_gap(A, b, LAM, few))


def test_a_start_worse_than_zero_is_left_and_a_good_one_kept(problem):
    A, b = problem
    optimum = lasso_optimum(A, b, LAM).x
    start = optimum.copy()
    start[::2] *= 1e6
    x, _ = refined(*tensors(A, b), LAM, *tensors(start), 1e-6, 0)
    assert (x.numpy()[::2] == 0).all()
    assert np.array_equal(x.numpy()[1::2], optimum[1::2])


def test_rows_do_not_mix_and_the_start_is_not_written_on(problem):
    A, b = tensors(*problem)
    start = torch.randn(ROWS, N, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before = start.clone()
    together, _ = refined(A, b, LAM, start, 1e-6, 2000)
    apart = torch.cat(
        [
            refined(A, r, LAM, s, 1e-6, 2000)[0]
            for r, s in zip(b.split(5), start.split(5), strict=True)
        ]
    )
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-12)
    assert torch.equal(start, before)


def test_measurements_that_are_zero_have_the_solution_zero(problem):
    A, _ = problem
    x, gap = refined(*tensors(A, np.zeros((2, M))), LAM, *tensors(np.ones((2, N))), 1e-6, 10)
    assert not x.any() and not gap.any()
