"""Instances of other laws: what is declared is drawn; values of a shift share their randomness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.experiments.shifts.parameters import AMPLITUDES
from l2o.optimizees.shifted import Law, amplitudes, shifted_samples, turned

A = gaussian_dictionary(32, 64, 1)
NAMES, COUNT, LAW = ("shifts", "test"), 2000, Law(0.1)


def drawn(**changes):
    return shifted_samples(A, COUNT, replace(LAW, **changes), 5, NAMES)


def test_the_density_is_what_is_declared_and_sparser_supports_lie_in_denser_ones():
    found = {density: drawn(density=density)[1] != 0 for density in (0.05, 0.25)}
    for density, support in found.items():
        assert support.mean() == pytest.approx(density, rel=0.05) and support.any(axis=1).all()
    most = found[0.05].sum(axis=1) > 1  # an empty row gets an entry anywhere
    assert (found[0.05] <= found[0.25])[most].all()


@pytest.mark.parametrize("snr", [10, 40])
def test_the_noise_has_the_declared_power_and_is_the_same_noise_scaled(snr):
    behind, x, b = drawn(snr_db=snr)
    clean = x @ behind.T
    noise = b - clean
    assert behind is A
    assert 10 * np.log10((clean**2).mean() / (noise**2).mean()) == pytest.approx(snr, abs=0.1)
    louder = drawn(snr_db=snr - 20)[2] - clean
    assert np.allclose(louder, 10 * noise, atol=1e-3 * np.abs(louder).max())
    assert np.abs(drawn()[2] - clean).max() < 1e-5  # no noise but rounding to float32


@pytest.mark.parametrize("law", AMPLITUDES)
def test_amplitudes_have_variance_1_and_the_same_signs(law):
    values = amplitudes(law, (400, 500), 3, NAMES)
    assert values.var() == pytest.approx(1, rel=0.05) and abs(values.mean()) < 0.02
    assert (np.sign(values) == np.sign(amplitudes("gaussian", (400, 500), 3, NAMES))).all()
    beyond = (np.abs(values) > 6).mean()
    assert (beyond > 1e-3) == (law == "student") and (np.abs(values) == 1).all() == (
        law == "rademacher"
    )
    assert ((drawn(amplitude=law)[1] != 0) == (drawn()[1] != 0)).all()


@pytest.mark.parametrize("sine", [0.01, 0.1, 1.0])
def test_columns_are_turned_by_the_declared_angle_and_keep_their_lengths(sine):
    long = A * np.linspace(1, 3, A.shape[1])
    other = turned(long, sine, 5, NAMES)
    lengths = np.linalg.norm(long, axis=0)
    assert np.allclose(np.linalg.norm(other, axis=0), lengths)
    cosine = (other * long).sum(axis=0) / lengths**2
    assert np.allclose(cosine, np.sqrt(1 - sine**2), atol=1e-12)
    if sine <= 0.1:
        moved = np.linalg.norm(other - long, axis=0) / lengths
        assert np.allclose(moved, sine, rtol=2e-3)


def test_data_come_from_the_turned_dictionary():
    behind, x, b = drawn(dictionary=0.1)
    assert (x == drawn()[1]).all() and not np.allclose(b, x @ A.T, atol=1e-2)
    assert np.allclose(b, x @ behind.T, atol=1e-5)
