"""Both conventions of NMSE, by hand and at their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from l2o.metrics import mean_nmse_db, pooled_nmse_db, sample_nmse_db


def test_both_conventions_on_an_example_by_hand():
    truth = np.array([[3.0, 4.0], [0.0, 0.1]])
    estimate = np.array([[3.0, 4.5], [0.1, 0.1]])
    # Errors 0.25 and 0.01, powers 25 and 0.01: 10 log10(1e-2) = -20 and 10 log10(1) = 0.
    np.testing.assert_allclose(sample_nmse_db(estimate, truth), [-20.0, 0.0], atol=1e-12)
    assert mean_nmse_db(estimate, truth) == pytest.approx(-10.0)
    assert pooled_nmse_db(estimate, truth) == pytest.approx(10 * math.log10(0.26 / 25.01))


def test_metrics_have_no_floor_and_use_double_precision():
    truth = np.ones((2, 4))
    estimate = truth * (1 + np.array([[1e-8], [2.0**-45]]))
    expected = [20 * math.log10(1e-8), -20 * 45 * math.log10(2)]
    np.testing.assert_allclose(sample_nmse_db(estimate, truth), expected, rtol=1e-6)
    assert sample_nmse_db(truth, truth).tolist() == [-math.inf, -math.inf]
    assert pooled_nmse_db(truth, truth) == -math.inf
    in_single = sample_nmse_db(np.float32([[1e30, 0]]), np.float32([[1, 1]]))
    assert in_single == pytest.approx(600 - 10 * math.log10(2))


def test_diverged_estimates_score_infinite_or_undefined():
    truth = np.ones((3, 2))
    estimate = np.array([[np.inf, 0], [np.nan, 0], [1e200, 0]])
    scores = sample_nmse_db(estimate, truth)
    assert scores[0] == math.inf and math.isnan(scores[1]) and scores[2] == math.inf


def test_an_all_zero_signal_is_refused():
    truth = np.array([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="all-zero signal"):
        sample_nmse_db(truth, truth)
    with pytest.raises(ValueError, match="all-zero set"):
        pooled_nmse_db(np.ones((2, 2)), np.zeros((2, 2)))
