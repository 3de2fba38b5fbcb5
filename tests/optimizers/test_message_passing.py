"""AMP and VAMP with the Bernoulli-Gaussian prior: odd matrices, precisions, units, no knowledge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2o.metrics import mean_nmse_db, sample_nmse_db
from l2o.optimizers.registry import methods

NAMES = ("bg_amp", "em_bg_amp", "em_vamp", "vamp")


def solved(name: str, A: np.ndarray, b: np.ndarray, steps: int = 20, dtype=None, **hyper: float):
    given = (torch.from_numpy(np.asarray(a, dtype or float)) for a in (A, b))
    A, b = given
    return methods("classical")[name].load()(A, hyper).run(b, steps)[-1].numpy()


def problem(m: int, n: int, noise: float = 0.0, common: float = 0.0, samples: int = 40, p=0.1):
    """A with unit columns, the more alike the larger ``common``, x and b."""
    random = np.random.default_rng(m + n)
    A = random.standard_normal((m, n)) + common * random.standard_normal((m, 1))
    A /= np.linalg.norm(A, axis=0)
    x = np.where(random.random((samples, n)) < p, random.standard_normal((samples, n)), 0.0)
    x[:, 0] = 1.0
    return A, x, x @ A.T + noise * random.standard_normal((samples, m))


def test_the_order_of_the_methods_is_that_of_what_they_know():
    A, x, b = problem(200, 400)
    ends = {name: mean_nmse_db(solved(name, A, b, 10), x) for name in (*NAMES, "amp")}
    assert ends["vamp"] < ends["bg_amp"] - 15 < ends["amp"] - 30
    assert abs(ends["em_bg_amp"] - ends["bg_amp"]) < 3 and abs(ends["em_vamp"] - ends["vamp"]) < 3


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_estimated(name):
    A, x, b = problem(200, 400, noise=0.05)
    oracle = [np.linalg.lstsq(A[:, x[q] != 0], b[q])[0] for q in range(len(b))]
    best = np.mean([np.square(o - x[q][x[q] != 0]).sum() for q, o in enumerate(oracle)])
    error = np.square(solved(name, A, b, 30) - x).sum(axis=1).mean()
    assert best < error < 2.5 * best


@pytest.mark.parametrize("name", ["em_vamp", "vamp"])
def test_vamp_bears_columns_that_are_alike_where_amp_does_not(name):
    A, x, b = problem(200, 400, common=1.0)
    assert mean_nmse_db(solved(name, A, b, 20), x) < -80
    assert mean_nmse_db(solved("bg_amp", A, b, 20), x) > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["em_vamp", "vamp"])
@pytest.mark.parametrize(("m", "n"), [(40, 100), (60, 60), (100, 40), (1, 5), (3, 1)])
def test_any_shape_and_a_rank_below_it_are_borne(name, m, n, dtype):
    A, x, b = problem(m, n)
    end = sample_nmse_db(solved(name, A, b, 60, dtype), x)
    assert np.isfinite(solved(name, A, b, 200, dtype)).all()
    if m > n:
        assert end.max() < (-90 if dtype == np.float32 else -200)
    if n >= 4:
        A[:, 1::2] = A[:, : n // 2 * 2 : 2][:, : A[:, 1::2].shape[1]]
        A[-1] = 0.0
        assert np.isfinite(solved(name, A, b, 60, dtype)).all()


@pytest.mark.parametrize("name", ["em_vamp", "vamp"])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_orthogonal_rows_leave_noise_and_signal_to_the_denoiser(name, noise):
    random = np.random.default_rng(0)
    A = 2**0.5 * np.linalg.qr(random.standard_normal((300, 300)))[0][:150]
    x = np.where(random.random((40, 300)) < 0.1, random.standard_normal((40, 300)), 0.0)
    b = x @ A.T + noise * random.standard_normal((40, 150))
    assert mean_nmse_db(solved(name, A, b, 40), x) < (-18 if noise else -100)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_in_nothing(name, dtype):
    A, _, b = problem(20, 40, samples=4)
    b[::2] = 0.0
    found = solved(name, A, b, 12, dtype)
    assert np.isfinite(found).all() and not found[::2].any() and found[1::2].any(axis=1).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_alone_is_solved_as_among_others(name):
    A, _, b = problem(40, 80, noise=0.02, samples=6)
    together = solved(name, A, b, 10)
    alone = np.concatenate([solved(name, A, row[None], 10) for row in b])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e5])
@pytest.mark.parametrize("name", ["em_bg_amp", "em_vamp"])
def test_the_unit_of_b_does_not_matter_where_the_prior_is_estimated(name, scale):
    A, _, b = problem(60, 120, noise=0.01)
    expected = scale * solved(name, A, b)
    np.testing.assert_allclose(solved(name, A, scale * b), expected, rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("name", NAMES)
def test_damping_slows_down_and_ends_where_it_would_without(name):
    A, x, b = problem(100, 200, noise=0.02)
    quick, slow = (solved(name, A, b, 2, damping=d) for d in (0.0, 0.5))
    assert mean_nmse_db(quick, x) < mean_nmse_db(slow, x)
    quick, slow = (solved(name, A, b, 60, damping=d) for d in (0.0, 0.3))
    assert abs(mean_nmse_db(quick, x) - mean_nmse_db(slow, x)) < 0.5
