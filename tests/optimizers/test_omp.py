"""Orthogonal matching pursuit against scikit-learn's, and where that has nothing to say."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import orthogonal_mp

from l2o.optimizers.classical.omp import Omp


def dictionary(m: int, n: int, common: float = 0.0) -> np.ndarray:
    """Unit columns, more alike the larger ``common`` is."""
    random = np.random.default_rng(m + n)
    A = random.standard_normal((m, n)) + common * random.standard_normal((m, 1))
    return A / np.linalg.norm(A, axis=0)


def measurements(A: np.ndarray, nonzeros: int, noise: float = 0.0, count: int = 60) -> tuple:
    """Sparse x, (count, n), and b, (count, m)."""
    random = np.random.default_rng(1)
    x = np.zeros((count, A.shape[1]))
    for row in x:
        row[random.choice(A.shape[1], nonzeros, replace=False)] = random.standard_normal(nonzeros)
    return x, x @ A.T + noise * random.standard_normal((count, len(A)))


def solved(A: np.ndarray, b: np.ndarray, steps: int, **hyper: float) -> np.ndarray:
    return Omp(torch.from_numpy(A), hyper).run(torch.from_numpy(b), steps)[-1].numpy()


def scikit_learns(A: np.ndarray, b: np.ndarray, **options) -> np.ndarray:
    return orthogonal_mp(A, b.T, **options).T.reshape(len(b), A.shape[1])


@pytest.mark.parametrize("common", [0.0, 1.0, 4.0], ids=["Gaussian", "coherent", "very coherent"])
@pytest.mark.parametrize("m, n", [(30, 60), (30, 30), (60, 25)])
def test_it_equals_scikit_learns_after_every_step(m, n, common):
    A = dictionary(m, n, common)
    _, b = measurements(A, 5, noise=0.1)
    runs = Omp(torch.from_numpy(A), {}).run(torch.from_numpy(b), 12)
    for steps in (1, 2, 5, 12):
        expected = scikit_learns(A, b, n_nonzero_coefs=steps)
        np.testing.assert_allclose(runs[steps - 1].numpy(), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("common", [0.0, 2.0])
def test_a_bound_on_the_nonzeros_stops_it(common):
    A = dictionary(20, 40, common)
    _, b = measurements(A, 6, noise=0.1)
    found = solved(A, b, 15, nonzeros=4)
    assert (np.count_nonzero(found, axis=1) == 4).all()
    expected = scikit_learns(A, b, n_nonzero_coefs=4)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_the_tolerance_stops_each_sample_by_itself():
    A = dictionary(40, 80)
    _, b = measurements(A, 8, noise=0.02)
    found = solved(A, b, 40, tolerance=0.3)
    assert len({*np.count_nonzero(found, axis=1)}) > 3
    for sample, estimate in zip(b, found, strict=True):
        # Theirs is a bound on the square of the residual's norm, not relative.
        expected = orthogonal_mp(A, sample, tol=(0.3 * np.linalg.norm(sample)) ** 2)
        np.testing.assert_allclose(estimate, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("precision", [torch.float64, torch.float32])
@pytest.mark.parametrize("m, n, nonzeros", [(64, 128, 6), (40, 30, 8), (30, 30, 1)])
def test_sparse_signals_are_found_exactly_and_then_left_alone(m, n, nonzeros, precision):
    A = dictionary(m, n)
    x, b = measurements(A, nonzeros)
    solver = Omp(torch.from_numpy(A).to(precision), {})
    found = solver.run(torch.from_numpy(b).to(precision), m + n)[-1]
    assert found.dtype == precision
    right = (np.abs(found.numpy() - x) < 100 * torch.finfo(precision).eps).all(axis=1)
    assert right.mean() > 0.7 if m < n else right.all()
    extra = np.count_nonzero(found.numpy(), axis=1)[right] - nonzeros
    assert np.median(extra) == 0


def test_columns_twice_and_columns_that_depend_on_others():
    A = dictionary(20, 12)
    sums = A[:, :6] + A[:, 6:]
    doubled = np.concatenate([A, A, sums / np.linalg.norm(sums, axis=0)], axis=1)
    _, b = measurements(doubled, 5, noise=0.3)
    found = solved(doubled, b, 60)
    assert np.isfinite(found).all() and np.count_nonzero(found, axis=1).max() <= 12
    best = np.linalg.lstsq(A, b.T)[0].T  # once all of the span is in
    np.testing.assert_allclose(found @ doubled.T, best @ A.T, rtol=0, atol=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "ended prematurely"
        expected = scikit_learns(doubled, b, n_nonzero_coefs=4)
    four = solved(doubled, b, 4)
    np.testing.assert_allclose(four @ doubled.T, expected @ doubled.T, rtol=0, atol=1e-8)


def test_nothing_is_found_in_nothing():
    A = dictionary(20, 40)
    _, b = measurements(A, 3)
    b[::2] = 0.0
    found = solved(A, b, 5)
    assert not found[::2].any() and found[1::2].any(axis=1).all()
    below = np.concatenate([A, np.zeros((5, 40))])  # b is at right angles to every column
    orthogonal = np.zeros((2, 25))
    orthogonal[:, 22] = 1.0
    assert not solved(below, orthogonal, 5).any()


def test_a_sample_alone_is_solved_as_among_others():
    A = dictionary(20, 40)
    _, b = measurements(A, 5, noise=0.1, count=8)
    together = solved(A, b, 10, tolerance=0.1)
    alone = np.concatenate([solved(A, row[None], 10, tolerance=0.1) for row in b])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)


def test_a_thousand_samples_are_solved_faster_than_by_scikit_learn():
    """Processor time, at (64, 128) with 13 nonzeros: some 6 times as fast; at least 2 are asked."""
    A = dictionary(64, 128)
    _, b = measurements(A, 13, noise=0.02, count=1000)
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    torch_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(2):
            began = time.process_time()
            found = solved(A, b, 13)
            between = time.process_time()
            expected = scikit_learns(A, b, n_nonzero_coefs=13, precompute=True)
            seconds["ours"].append(between - began)
            seconds["theirs"].append(time.process_time() - between)
    finally:
        torch.set_num_threads(torch_threads)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert 2 * min(seconds["ours"]) < min(seconds["theirs"])
