"""Properties of matrices, the Gaussian dictionary, and analytic weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import null_space

from l2o.dictionaries.analytic import analytic_weights, kkt_residual
from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.dictionaries.properties import coherence, condition_number


def test_properties_of_matrices_known_by_hand():
    a = np.array([[1.0, 0.6, 0.0], [0.0, 0.8, 2.0]])
    assert coherence(a) == pytest.approx(0.8)
    assert condition_number(np.diag([4.0, 2.0])) == pytest.approx(2.0)
    assert condition_number(np.array([[4.0, 0.0], [0.0, 2.0], [0.0, 0.0]])) == pytest.approx(2.0)
    assert condition_number(np.ones((3, 3))) == pytest.approx(1.0)  # rank one: on its range


def test_the_gaussian_dictionary_is_unit_and_repeatable():
    a = gaussian_dictionary(256, 512, seed=4)
    assert a.shape == (256, 512) and a.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(a, axis=0), 1.0, rtol=1e-14)
    assert a.tobytes() == gaussian_dictionary(256, 512, seed=4).tobytes()
    assert a.tobytes() != gaussian_dictionary(256, 512, seed=5).tobytes()
    assert abs(a.mean()) < 1e-3 and a.std() == pytest.approx(1 / 16, rel=0.01)


# Analytic weights


def _rank_deficient(rows: int, columns: int) -> np.ndarray:
    a = gaussian_dictionary(rows, columns, seed=1)
    a = a - a.mean(axis=0)  # orthogonal to the constant vector: rank rows - 1
    return a / np.linalg.norm(a, axis=0)


@pytest.mark.parametrize("a", [gaussian_dictionary(64, 128, 1), _rank_deficient(64, 128)])
def test_analytic_weights_satisfy_the_kkt_conditions(a):
    w = analytic_weights(a)
    assert w.shape == (64, 128) and w.dtype == np.float64
    assert kkt_residual(w, a) < 1e-12
    np.testing.assert_allclose(np.einsum("ij,ij->j", w, a), 1.0, rtol=1e-14)
    # Sensitive to a wrong answer: the dictionary itself is feasible, but not optimal.
    assert kkt_residual(a, a) > 1e-2


@pytest.mark.parametrize("a", [gaussian_dictionary(6, 10, 2), _rank_deficient(6, 10)])
def test_analytic_weights_match_constrained_least_squares(a):
    """Per column: w = a + N z with N a basis of the constraint's null space, z by lstsq."""
    w = analytic_weights(a)
    for i in range(a.shape[1]):
        basis = null_space(a[:, i : i + 1].T)
        z = np.linalg.lstsq(a.T @ basis, -a.T @ a[:, i], rcond=1e-10)[0]
        brute = a[:, i] + basis @ z
        np.testing.assert_allclose(a.T @ w[:, i], a.T @ brute, atol=1e-12)


def test_analytic_weights_beat_every_other_feasible_matrix():
    a = _rank_deficient(12, 24)
    best = np.linalg.norm(analytic_weights(a).T @ a)
    random = np.random.default_rng(0)
    for scale in (1e-3, 1e-1, 1.0):
        other = analytic_weights(a) + scale * random.standard_normal(a.shape)
        other /= np.einsum("ij,ij->j", other, a)
        assert np.linalg.norm(other.T @ a) > best


def test_analytic_weights_refuse_a_zero_column():
    a = gaussian_dictionary(8, 16, seed=0)
    a[:, 5] = 0.0
    with pytest.raises(ValueError, match="column 5"):
        analytic_weights(a)
