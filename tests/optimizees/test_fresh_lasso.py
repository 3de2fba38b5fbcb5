"""LASSO with an A for each instance: values, derivatives, proximal operator, draws, optima."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2o.errors import InputError
from l2o.optimizees.fresh_lasso import FreshLasso, synthetic, told, worth_solving
from l2o.optimizees.lasso_optimum import lasso_optima, lasso_optimum, relative_gap
from small_fresh_lasso import LAM, M, N, drawn, randoms


def test_value_and_gradient_are_those_of_each_instance():
    f, x = drawn(3), torch.randn(2, 3, N, generator=torch.Generator().manual_seed(1)).double()
    values, smooth = f.objective(x).numpy(), f.smooth_gradient(x).numpy()
    gradient = f.gradient(x).numpy()
    assert values.shape == (2, 3) and smooth.shape == (2, 3, N)
    for point in range(2):
        for i in range(3):
            A, b, at = f.A[i].numpy(), f.b[i].numpy(), x[point, i].numpy()
            residual = A @ at - b
            value = 0.5 * residual @ residual + LAM * np.abs(at).sum()
            assert values[point, i] == pytest.approx(value, rel=1e-12)
            assert smooth[point, i] == pytest.approx(A.T @ residual, abs=1e-12)
            subgradient = A.T @ residual + LAM * np.sign(at)
            assert gradient[point, i] == pytest.approx(subgradient, abs=1e-12)


def test_the_proximal_operator_minimises_what_it_should():
    f, generator = drawn(2), torch.Generator().manual_seed(2)
    v = 0.3 * torch.randn(2, N, generator=generator, dtype=torch.float64)
    step = 3.0 * torch.rand(2, N, generator=generator, dtype=torch.float64) + 0.1
    found = f.proximal(v, step)
    grid = torch.linspace(-2, 2, 40_001, dtype=torch.float64)[:, None, None]
    best = (f.lam * grid.abs() + (grid - v).square() / (2 * step)).argmin(dim=0)
    assert (found - grid[best, 0, 0]).abs().max() <= 1e-4
    assert (found == 0).any() and (found != 0).any()


def test_a_batch_has_the_instances_asked_for():
    f = drawn(4)
    some = f.batch(torch.tensor([2, 0]))
    assert len(f) == 4 and len(some) == 2 and f.dimension == N
    x = torch.zeros(2, N, dtype=torch.float64)
    whole = f.excess(torch.zeros(4, N, dtype=torch.float64))
    assert some.excess(x).tolist() == whole[[2, 0]].tolist()
    assert f.to(torch.float32).lam.dtype == torch.float32


def test_instances_have_dictionaries_of_their_own_and_do_not_depend_on_the_size_of_the_set():
    A, b = synthetic(randoms(3), M, N, 2)
    more, _ = synthetic(randoms(5), M, N, 2)
    assert np.array_equal(A, more[:3]) and not np.allclose(A[0], A[1])
    assert np.linalg.norm(A, axis=1) == pytest.approx(1.0)
    rank = [np.linalg.matrix_rank(np.column_stack([b[i], A[i]])) for i in range(3)]
    assert b.shape == (3, M) and rank == [M] * 3


def test_each_instance_is_solved_with_its_own_dictionary():
    A, b = synthetic(randoms(3), M, N, 3)
    found = lasso_optima(A, b, LAM)
    for i in range(3):
        alone = lasso_optimum(A[i], b[i : i + 1], LAM)
        assert found.objective[i] == alone.objective[0] and np.array_equal(found.x[i], alone.x[0])
        assert relative_gap(A[i], b[i : i + 1], LAM, found.x[i : i + 1])[0] <= 1e-10
    fields = told(A, b, LAM, found)
    assert fields["lipschitz"][:, 0] == pytest.approx(np.linalg.norm(A, 2, axis=(1, 2)) ** 2)
    f = FreshLasso(**{name: torch.from_numpy(array) for name, array in fields.items()})
    assert f.excess(torch.from_numpy(found.x)).abs().max() < 1e-12
    assert (f.excess(torch.from_numpy(found.x) + 1e-3) > 0).all()


def test_what_a_zero_code_solves_is_left_out():
    A, b = synthetic(randoms(1), M, N, 3)
    small = np.abs(b @ A[0]).max() / LAM
    both = np.concatenate([b / (2 * small), b, 3 * b])
    assert np.array_equal(worth_solving(A[0], both, LAM, 2), both[1:])
    with pytest.raises(InputError, match="2 of 3 patches have another code than 0, 3 are wanted"):
        worth_solving(A[0], both, LAM, 3)
