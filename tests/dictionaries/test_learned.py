"""Dictionary learning: descent, known solutions, atoms that go unused, seeds."""

from __future__ import annotations

import numpy as np
import pytest

from l2o.dictionaries.gaussian import gaussian_dictionary
from l2o.dictionaries.learned import learn_dictionary


@pytest.fixture(scope="module")
def sparse_patches() -> np.ndarray:
    """Sparse combinations of 48 hidden atoms in R^24, and a little noise."""
    random = np.random.default_rng(3)
    hidden = gaussian_dictionary(24, 48, seed=5)
    codes = random.standard_normal((900, 48)) * (random.random((900, 48)) < 0.06)
    return codes @ hidden.T + 0.01 * random.standard_normal((900, 24))


def test_learning_never_increases_the_objective(sparse_patches):
    result = learn_dictionary(sparse_patches, 48, 0.05, 120, seed=0)
    assert result.objective.shape == (120,)
    assert (np.diff(result.objective) <= 1e-12 * result.objective[0]).all()
    assert result.objective[-1] < 0.6 * result.objective[0]
    assert result.unused == 0 and 0 < result.nonzeros < 24


def test_learned_atoms_have_unit_norm_and_explain_the_patches(sparse_patches):
    result = learn_dictionary(sparse_patches, 48, 0.05, 400, seed=0)
    assert result.dictionary.shape == (24, 48) and result.dictionary.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(result.dictionary, axis=0), 1.0, rtol=1e-14)
    match = np.abs(gaussian_dictionary(24, 48, seed=5).T @ result.dictionary).max(axis=1)
    assert np.median(match) > 0.95  # most hidden atoms are found, up to sign


def test_the_reported_objective_is_that_of_the_problem():
    """One atom and two parallel patches of lengths 1 and 2: solved by hand."""
    patches = np.array([[1.0, -1.0], [2.0, -2.0]]) / np.sqrt(2.0)
    result = learn_dictionary(patches, 1, 0.5, 3, seed=0)
    # The atom is the common direction, the codes are 1 - lam and 2 - lam, the residuals lam.
    np.testing.assert_allclose(result.objective, 0.25 + 0.5 * 2.0, rtol=1e-12)


def test_unused_atoms_are_replaced():
    """Of 120 patches, 60 are shorter than lam: atoms that start along those go unused."""
    random = np.random.default_rng(2)
    patches = random.standard_normal((180, 24))
    patches[:60, 12:], patches[60:120, :12] = 0.0, 0.0
    patches /= np.linalg.norm(patches, axis=1, keepdims=True)
    patches[60:120] *= 10.0
    patches[120:] = 0.0  # no contrast: never an initial atom
    stuck = learn_dictionary(patches, 30, 1.2, 60, seed=0, replace_every=1000)
    replaced = learn_dictionary(patches, 30, 1.2, 60, seed=0, replace_every=5)
    assert stuck.unused > 0 and replaced.unused == 0
    assert (np.diff(replaced.objective) <= 1e-12 * replaced.objective[0]).all()
    assert replaced.objective[-1] < stuck.objective[-1]
    for result in (stuck, replaced):
        np.testing.assert_allclose(np.linalg.norm(result.dictionary, axis=0), 1.0, rtol=1e-14)


def test_learning_repeats_with_its_seed(sparse_patches):
    runs = [learn_dictionary(sparse_patches, 48, 0.05, 20, seed=s) for s in (0, 0, 1)]
    assert runs[0].dictionary.tobytes() == runs[1].dictionary.tobytes()
    assert runs[0].objective.tobytes() == runs[1].objective.tobytes()
    assert runs[0].dictionary.tobytes() != runs[2].dictionary.tobytes()


def test_learning_refuses_parameters_out_of_range(sparse_patches):
    with pytest.raises(ValueError, match="positive"):
        learn_dictionary(sparse_patches, 48, 0.0, 20, seed=0)
    with pytest.raises(ValueError, match="lower it"):
        learn_dictionary(sparse_patches, 48, 1e3, 20, seed=0)
    with pytest.raises(ValueError, match="give more patches"):
        learn_dictionary(sparse_patches, 800, 0.1, 20, seed=0)
