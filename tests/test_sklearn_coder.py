"""LearnedSparseCoder: scikit-learn's own checks, its objective, and where it is used."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import SparseCoder
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from l2o.metrics import mean_nmse_db
from l2o.sklearn import LearnedSparseCoder

ATOMS, FEATURES, ALPHA = 32, 16, 0.2


@parametrize_with_checks([LearnedSparseCoder()])
def test_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module", name="D")
def dictionary() -> np.ndarray:
    D = np.random.default_rng(0).standard_normal((ATOMS, FEATURES))
    return D / np.linalg.norm(D, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def drawn(D) -> tuple[np.ndarray, np.ndarray]:
    """Codes and their samples, with a little noise."""
    generator = np.random.default_rng(1)
    code = generator.standard_normal((300, ATOMS)) * (generator.random((300, ATOMS)) < 0.08)
    return code, code @ D + 0.02 * generator.standard_normal((300, FEATURES))


@pytest.fixture(scope="module", name="X")
def samples(drawn) -> np.ndarray:
    return drawn[1]


@pytest.fixture(scope="module")
def coder(D, X) -> LearnedSparseCoder:
    return LearnedSparseCoder(D, layers=6, alpha=ALPHA, random_state=0).fit(X[:200])


def objective(D: np.ndarray, X: np.ndarray, alpha: float, code: np.ndarray) -> np.ndarray:
    return 0.5 * np.square(X - code @ D).sum(axis=1) + alpha * np.abs(code).sum(axis=1)


def test_it_minimises_the_objective_of_lasso_lars(coder, D, X):
    test = X[200:]
    exact = SparseCoder(D, transform_algorithm="lasso_lars", transform_alpha=ALPHA).transform(test)
    least = objective(D, test, ALPHA, exact)
    excess = objective(D, test, ALPHA, coder.transform(test)) / least - 1
    assert excess.min() > -1e-9 and excess.max() <= coder.transform_tol
    closer = clone(coder).set_params(transform_tol=1e-8, transform_max_iter=5000).fit(X[:200])
    np.testing.assert_allclose(closer.transform(test), exact, atol=1e-4)
    assert coder.score(test) == pytest.approx(-least.mean(), rel=1e-3)


def test_the_net_alone_is_nearer_than_as_many_iterations_of_ista(coder, D, X):
    test, L = X[200:], np.linalg.norm(D, 2) ** 2
    alone = clone(coder).set_params(transform_max_iter=0).fit(X[:200]).transform(test)
    code = np.zeros((len(test), ATOMS))
    for _ in range(6):
        v = code + (test - code @ D) @ D.T / L
        code = np.sign(v) * np.maximum(np.abs(v) - ALPHA / L, 0)
    assert objective(D, test, ALPHA, alone).mean() < objective(D, test, ALPHA, code).mean()


def test_trained_on_drawn_codes_it_has_less_bias_than_the_objective(coder, D, drawn):
    code, X = drawn
    free = LearnedSparseCoder(
        D, layers=4, train_on="drawn", density=0.08, snr=30, random_state=0
    ).fit(X[:50])
    found, kept = free.transform(X), code.any(axis=1)
    assert free.solver_.lam is None and free.solver_.name == "alista"
    minimised = coder.transform(X)
    assert mean_nmse_db(found[kept], code[kept]) < mean_nmse_db(minimised[kept], code[kept]) - 3
    assert free.score(X) == pytest.approx(-0.5 * np.square(X - found @ D).sum(axis=1).mean())
    eightfold = clone(free).fit(8 * X[:50]).transform(8 * X)
    np.testing.assert_allclose(eightfold, 8 * found, rtol=1e-4, atol=1e-4)


def test_atoms_of_any_norm_weigh_as_their_norms(coder, D, X):
    norms = np.linspace(0.5, 2.0, ATOMS)
    other = clone(coder).set_params(dictionary=D * norms[:, None]).fit(X[:200])
    tight = {"transform_tol": 1e-8, "transform_max_iter": 5000}
    ours, plain = (c.set_params(**tight).transform(X[200:]) for c in (other, clone(coder).fit(X)))
    np.testing.assert_allclose(ours * norms, plain, atol=1e-4)
    np.testing.assert_allclose(other.inverse_transform(ours), plain @ D, atol=1e-3)


def test_single_precision_in_and_out(coder, X):
    code = coder.transform(X.astype(np.float32))
    assert code.dtype == np.float32
    np.testing.assert_allclose(code, coder.transform(X), atol=0.05)
    back = coder.inverse_transform(code)
    assert back.dtype == np.float32 and back.shape == X.shape
    assert np.square(back - X).mean() < 0.5 * np.square(X).mean()


def test_a_pickle_gives_the_same_codes(coder, X):
    again = pickle.loads(pickle.dumps(coder))
    assert np.array_equal(again.transform(X), coder.transform(X))
    unfitted = clone(coder)
    with pytest.raises(NotFittedError):
        unfitted.transform(X)


def test_the_same_seed_gives_the_same_bits(coder, X):
    again = clone(coder).fit(X[:200])
    assert np.array_equal(again.transform(X), coder.transform(X))


def test_names_of_features(coder, X):
    assert list(coder.get_feature_names_out()[:2]) == ["learnedsparsecoder0", "learnedsparsecoder1"]
    frame = clone(coder).set_output(transform="pandas").fit_transform(X[:100])
    assert frame.shape == (100, ATOMS) and frame.columns[-1] == f"learnedsparsecoder{ATOMS - 1}"


def test_inside_a_pipeline_and_a_grid_search():
    X, y = load_digits(return_X_y=True)
    X, y = X[:240], y[:240]
    learned = LearnedSparseCoder(n_components=24, layers=3, alpha=0.5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), learned, LogisticRegression(max_iter=2000))
    grid = {"learnedsparsecoder__alpha": [0.3, 30.0]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X[:180], y[:180])
    assert search.best_params_["learnedsparsecoder__alpha"] == 0.3
    assert search.score(X[180:], y[180:]) > 0.7


def test_without_anything_to_learn_from_fista_takes_the_place_of_the_net(D, X):
    few = LearnedSparseCoder(D, alpha=ALPHA, layers=5).fit(X[:10])
    assert few.solver_.name == "fista" and few.solver_.about.default == 5
    gap = objective(D, X, ALPHA, few.transform(X)) / objective(
        D,
        X,
        ALPHA,
        SparseCoder(D, transform_algorithm="lasso_cd", transform_alpha=ALPHA).transform(X),
    )
    assert gap.max() < 1 + few.transform_tol + 1e-3
    silent = LearnedSparseCoder(D, alpha=100.0).fit(X)
    assert not silent.transform(X).any()


def test_what_does_not_converge_is_told(coder, X):
    short = clone(coder).set_params(transform_tol=0.0, transform_max_iter=2).fit(X[:200])
    with pytest.warns(ConvergenceWarning, match="raise transform_max_iter"):
        short.transform(X)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"method": "fista"}, "method.*give one of"),
        ({"train_on": "nothing"}, "train_on.*data, drawn"),
        ({"budget": "long"}, "budget"),
        ({"layers": 0}, "layers"),
        ({"layers": 2.5}, "layers"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"density": 1.5}, "density"),
        ({"snr": 500}, "snr"),
        ({"n_components": 7}, "n_components.*has 32 atoms"),
        ({"dictionary": np.ones((3, 5))}, "atoms of 5 features, and X has 16"),
        ({"dictionary": np.zeros((3, FEATURES))}, "atom 0 .* is zero"),
        ({"dictionary": np.full((3, FEATURES), np.nan)}, "dictionary contains NaN"),
    ],
)
def test_bad_parameters_are_told_by_name(D, X, wrong, told):
    with pytest.raises((ValueError, TypeError), match=told):
        LearnedSparseCoder(**{"dictionary": D, **wrong}).fit(X)


def test_another_width_of_codes_is_refused(coder):
    with pytest.raises(ValueError, match="32 components"):
        coder.inverse_transform(np.ones((2, 5)))
