"""The Bernoulli-Gaussian prior against quadrature, finite differences, likelihoods."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from l2o.optimizers.bernoulli_gaussian import (
    Prior,
    guessed,
    known,
    largest_density,
    maximised,
    posterior,
)

CASES = [(0.1, 1.0, 0.05), (0.02, 4.0, 1.0), (0.5, 0.3, 1e-3), (0.9, 1.0, 10.0)]  # p, s, tau2


def prior(density: float, variance: float, rows: int = 1, dtype=torch.float64) -> Prior:
    return known(torch.zeros(rows, 1, dtype=dtype), density, variance)


def of(r, tau2: float, density: float, variance: float, dtype=torch.float64):
    r = torch.as_tensor(r, dtype=dtype)[None]
    return posterior(r, torch.tensor([[tau2]], dtype=dtype), prior(density, variance, dtype=dtype))


@pytest.mark.parametrize(("density", "variance", "tau2"), CASES)
def test_the_posterior_mean_is_that_of_quadrature(density, variance, tau2):
    places = np.sqrt(variance + tau2) * np.array([-2.5, -0.7, 0.0, 0.3, 1.2])
    found = of(places, tau2, density, variance)
    for r, mean in zip(places, found.mean[0].tolist(), strict=True):
        middle, width = (
            variance / (variance + tau2) * r,
            np.sqrt(variance * tau2 / (variance + tau2)),
        )
        ends = middle - 12 * width, middle + 12 * width

        def moment(power: int, r=r, ends=ends) -> float:
            def weighted(x: float) -> float:
                spike = norm.pdf(x, scale=variance**0.5)
                return x**power * spike * norm.pdf(r - x, scale=tau2**0.5)

            return density * quad(weighted, *ends, epsabs=1e-13, epsrel=1e-10)[0]

        zero = (1 - density) * norm.pdf(r, scale=tau2**0.5)
        assert mean == pytest.approx(moment(1) / (zero + moment(0)), rel=1e-7, abs=1e-12)
        one = of([r], tau2, density, variance)
        variance_there = moment(2) / (zero + moment(0)) - mean**2
        assert tau2 * one.slope.item() == pytest.approx(variance_there, rel=1e-6)


@pytest.mark.parametrize(("density", "variance", "tau2"), CASES)
def test_the_slope_is_that_of_finite_differences(density, variance, tau2):
    r = np.random.default_rng(3).standard_normal(200) * np.sqrt(variance + tau2)
    step = 1e-6 * tau2**0.5
    up, down = (of(r + sign * step, tau2, density, variance).mean for sign in (1, -1))
    expected = ((up - down) / (2 * step)).mean().item()
    assert of(r, tau2, density, variance).slope.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("density", [0.0, 1e-30, 0.1, 1.0])
@pytest.mark.parametrize("variance", [1e-30, 1.0, 1e12])
@pytest.mark.parametrize("tau2", [0.0, 1e-37, 1e-8, 1.0, 1e20])
def test_all_is_finite_whatever_is_believed(dtype, density, variance, tau2):
    r = [0.0, 1e-30, -1e-8, 1.0, -50.0, 1e15]
    found = of(r, tau2, density, variance, dtype)
    assert all(part.isfinite().all() for part in found)
    assert (found.mean.abs() <= torch.tensor(r, dtype=dtype).abs()).all()
    assert found.slope.item() >= 0 and found.mean[0, 0] == 0
    assert density > 0 or not found.mean.any()
    after = maximised(
        torch.tensor([r], dtype=dtype),
        torch.tensor([[tau2]], dtype=dtype),
        prior(density, variance, dtype=dtype),
    )
    assert all(part.isfinite().all() and (part > 0).all() for part in after)


def test_without_noise_what_is_seen_is_believed():
    r = [0.0, 1e-3, -2.0]
    assert of(r, 0.0, 0.1, 1.0).mean[0].tolist() == pytest.approx(r, rel=1e-12)


def log_likelihood(r: np.ndarray, tau2: float, density: float, variance: float) -> float:
    zero, other = (norm.pdf(r, scale=np.sqrt(tau2 + more)) for more in (0.0, variance))
    return float(np.log((1 - density) * zero + density * other).sum())


def test_every_step_raises_the_likelihood_and_the_truth_is_found():
    random, tau2 = np.random.default_rng(5), 0.04
    x = np.where(random.random(40_000) < 0.1, 2.0 * random.standard_normal(40_000), 0.0)
    r = x + tau2**0.5 * random.standard_normal(x.size)
    given, seen = torch.from_numpy(r)[None], torch.tensor([[tau2]], dtype=torch.float64)
    believed, before = prior(0.4, 0.5), -np.inf
    for _ in range(40):
        believed = maximised(given, seen, believed, steps=1)
        now = log_likelihood(r, tau2, *(part.item() for part in believed))
        assert now > before - 1e-9 * abs(now)
        before = now
    assert believed.density.item() == pytest.approx(0.1, rel=0.05)
    assert believed.variance.item() == pytest.approx(4.0, rel=0.05)


def test_samples_are_believed_apart_from_each_other():
    r = torch.randn(5, 60, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    tau2 = torch.linspace(0.01, 1.0, 5, dtype=torch.float64)[:, None]
    together = maximised(r, tau2, prior(0.2, 1.0, 5))
    for q in range(5):
        alone = maximised(r[q : q + 1], tau2[q : q + 1], prior(0.2, 1.0))
        assert [float(part) for part in alone] == pytest.approx(
            [float(part[q]) for part in together]
        )


def test_the_first_guess_explains_the_power_of_b():
    random = np.random.default_rng(2)
    A = torch.from_numpy(random.standard_normal((30, 60)) / 30**0.5)
    b = torch.from_numpy(random.standard_normal((4, 30)))
    density, variance = guessed(b, A)
    explained = density * variance * A.square().sum() / b.square().sum(dim=1, keepdim=True)
    np.testing.assert_allclose(explained, 100 / 101)
    assert density[0].item() == pytest.approx(0.193, abs=1e-3)  # l1 recovery: 0.386 m of 0.5 n
    assert [largest_density(ratio) for ratio in (1.0, 3.0)] == [0.5, 0.5]
    assert 0 < largest_density(0.01) < largest_density(0.2) < largest_density(0.6) < 0.5
