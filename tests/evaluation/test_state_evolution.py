"""State evolution against draws of the scalar channel, against the algorithms, and known values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from scipy.stats import norm

from l2o.evaluation.state_evolution import (
    BernoulliGaussian,
    amp_errors,
    fixed_point,
    limit_rows,
    vamp_errors,
)
from l2o.metrics import pooled_nmse_db
from l2o.optimizers.registry import methods

PRIOR = BernoulliGaussian(0.1)


def decibels(errors: list[float]) -> list[float]:
    return [PRIOR.decibels(error) for error in errors]


@pytest.mark.parametrize(
    ("density", "variance", "tau2"),
    [(0.1, 1.0, 0.2), (0.1, 1.0, 1e-3), (0.4, 3.0, 0.5), (0.01, 1, 1)],
)
def test_the_error_is_that_of_draws_of_the_scalar_channel(density, variance, tau2):
    random, count = np.random.default_rng(1), 1_000_000
    spikes = random.random(count) < density
    x = np.where(spikes, variance**0.5 * random.standard_normal(count), 0.0)
    r = x + tau2**0.5 * random.standard_normal(count)
    odds = norm.logpdf(r, scale=(variance + tau2) ** 0.5) - norm.logpdf(r, scale=tau2**0.5)
    squares = np.square(expit(logit(density) + odds) * variance / (variance + tau2) * r - x)
    error = BernoulliGaussian(density, variance).error(tau2)
    assert abs(error - squares.mean()) < 4 * squares.std() / count**0.5


def test_the_error_has_its_limits():
    assert PRIOR.error(1e-14) == pytest.approx(0.1 * 1e-14, rel=1e-4)  # density times tau2
    assert PRIOR.error(1e8) == pytest.approx(0.1, rel=1e-6)
    errors = [PRIOR.error(tau2) for tau2 in np.logspace(-12, 4, 60)]
    assert (np.diff(errors) > 0).all()


def test_amp_without_noise_follows_the_values_that_were_checked():
    found = decibels(amp_errors(PRIOR, 2, 0.0, 16))
    assert found[:9] == pytest.approx(
        [0, -4.2, -8.0, -12.1, -16.6, -21.6, -27.3, -33.3, -39.8], abs=0.06
    )
    assert found[16] == pytest.approx(-95.0, abs=0.1)


def test_amp_with_noise_settles_at_the_least_error():
    for snr_db, expected in ((20, -23.75), (40, -45.6)):
        noise = 2 * PRIOR.power * 10 ** (-snr_db / 10)
        settled = fixed_point(PRIOR, 2, noise)
        assert PRIOR.decibels(settled) == pytest.approx(expected, abs=0.03)
        assert PRIOR.error(noise + 2 * settled) == pytest.approx(settled, rel=1e-9)
        assert amp_errors(PRIOR, 2, noise, 200)[-1] == pytest.approx(settled, rel=1e-9)


@pytest.mark.parametrize(("noise", "layers"), [(0.0, 4), (0.002, 8)])
def test_large_problems_follow_the_limits(noise, layers):
    """At n = 800, 100 samples: within a dB at every layer."""
    random, (m, n) = np.random.default_rng(4), (400, 800)
    A = random.standard_normal((m, n)) / m**0.5
    A /= np.linalg.norm(A, axis=0)
    x = np.where(random.random((100, n)) < 0.1, random.standard_normal((100, n)), 0.0)
    b = torch.from_numpy(x @ A.T + noise**0.5 * random.standard_normal((100, m)))
    singular = np.linalg.svd(A, compute_uv=False)
    for name, errors in (
        ("bg_amp", amp_errors(PRIOR, n / m, noise, layers)),
        ("vamp", vamp_errors(PRIOR, singular, n, noise, layers)),
    ):
        run = methods("classical")[name].load()(torch.from_numpy(A), {}).run(b, layers)
        found = [pooled_nmse_db(iterate.numpy(), x) for iterate in run]
        assert found == pytest.approx(decibels(errors)[1:], abs=1.0)


def test_vamp_on_orthogonal_rows_has_a_closed_form():
    """Half of the rows of an orthogonal matrix, no noise: the message keeps its variance."""
    errors = vamp_errors(PRIOR, np.full(50, 2**0.5), 100, 0.0, 5)
    tau, expected = PRIOR.power, [PRIOR.power]
    for _ in range(5):
        expected.append(PRIOR.error(tau))
        tau = 1 / (1 / expected[-1] - 1 / tau)
    assert errors == pytest.approx(expected, rel=1e-9)
    many = vamp_errors(PRIOR, np.full(50, 2**0.5), 100, 0.0, 300)
    assert len(many) == 301 and min(many) >= 0 and not any(map(math.isnan, many))
    assert (np.diff(many) <= 0).all()


def test_a_row_for_each_limit_and_layer():
    A = np.random.default_rng(1).standard_normal((20, 40)) / 20**0.5
    clean, noisy = (limit_rows(A, 0.1, snr_db, 3) for snr_db in (None, 20.0))
    assert [(row["limit"], row["layer"]) for row in clean] == [
        (limit, layer) for limit in ("amp", "vamp") for layer in range(4)
    ]
    settled = [row["nmse_db"] for row in noisy if row["limit"] == "fixed_point"]
    assert settled == pytest.approx([-23.76] * 4, abs=0.02)
    starts = [row["nmse_db"] for row in clean if row["layer"] == 0]
    assert starts == pytest.approx([0, 0], abs=1e-12)
