"""Classical solvers against references and certificates, and the oracle."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
import torch
from celer import Lasso as CelerLasso
from sklearn.linear_model import Lasso as ScikitLasso

from conftest import make_problem
from l2o.metrics import mean_nmse_db
from l2o.optimizees.protocol import Measurements
from l2o.optimizers.classical.momentum import fista_momentum
from l2o.optimizers.oracle import oracle_estimate
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods
from reference_algorithms import REFERENCES, lipschitz, shrink

SOLVERS = methods("classical")


def solver(name: str, A: np.ndarray, **hyper: float):
    return SOLVERS[name].load()(torch.from_numpy(A), hyper)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_classical_solvers_equal_their_references(name, factor, problem):
    hyper = {key: factor * value for key, value in SOLVERS[name].hyperparameters.items()}
    ours = solver(name, problem.A, **({} if factor == 1.0 else hyper))
    expected = REFERENCES[name](problem.A, problem.b, 12, hyper)
    for iterate, reference in zip(ours.run(torch.from_numpy(problem.b), 12), expected, strict=True):
        np.testing.assert_allclose(iterate.numpy(), reference, rtol=0, atol=1e-10)


ADAPTIVE = {"fista_restart": "fista", "ista_barzilai_borwein": "ista", "oracle_ista": "ista"}
MINIMISERS = ("coordinate_descent", "fista", *ADAPTIVE, "ista")


@pytest.mark.parametrize(
    ("name", "iterations"),
    [("fista_restart", 100), ("ista_barzilai_borwein", 30), ("oracle_ista", 60)],
)
def test_restarts_and_own_steps_equal_their_references_where_they_happen(name, iterations):
    """At a small lam, when supports change and momentum turns; rounding errors grow with time."""
    problem, hyper = make_problem(6, 10, 20, seed=3), {"lam": 0.02}
    b = torch.from_numpy(problem.b)
    ours = torch.stack(solver(name, problem.A, **hyper).run(b, iterations)).numpy()
    expected = REFERENCES[name](problem.A, problem.b, iterations, hyper)
    np.testing.assert_allclose(ours, np.stack(expected), rtol=0, atol=1e-8)
    plain = torch.stack(solver(ADAPTIVE[name], problem.A, **hyper).run(b, iterations)).numpy()
    assert (np.abs(ours - plain).max(axis=(0, 2)) > 1e-4).all()


@pytest.mark.parametrize("name", MINIMISERS)
def test_proximal_solvers_reach_the_lasso_optimum(name, problem):
    """Certified by the duality gap, which bounds the distance to the minimum from above."""
    lam, b = 0.05, problem.b[:6]
    iterations = 4000 if name in ("ista", "fista") else 800
    x = solver(name, problem.A, lam=lam).run(torch.from_numpy(b), iterations)[-1].numpy()
    for estimate, measurement in zip(x, b, strict=True):
        residual = measurement - problem.A @ estimate
        primal = 0.5 * residual @ residual + lam * np.abs(estimate).sum()
        dual_point = residual * min(1.0, lam / np.abs(problem.A.T @ residual).max())
        dual = 0.5 * measurement @ measurement
        dual -= 0.5 * (measurement - dual_point) @ (measurement - dual_point)
        assert -1e-12 < primal - dual < 1e-8 * primal
        assert np.count_nonzero(estimate) > 0


@pytest.mark.parametrize("name", MINIMISERS)
def test_a_sample_in_a_batch_is_the_sample_alone_from_any_start(name, problem):
    b, lam = torch.from_numpy(problem.b[:5]), 0.02
    start = torch.randn(5, problem.A.shape[1], generator=torch.Generator().manual_seed(0)).double()
    made = solver(name, problem.A, lam=lam)

    def run(rows: slice) -> torch.Tensor:
        steps = islice(iterates(made, Measurements(b[rows]), start[rows]), 25)
        return torch.stack([*steps])

    together = run(slice(None))
    for row in range(5):
        alone = run(slice(row, row + 1))[:, 0]
        assert torch.allclose(alone, together[:, row], rtol=0, atol=1e-10)


def test_solvers_of_lasso_end_where_scikit_learn_and_celer_do(problem):
    lam, b = 0.05, problem.b[:3]
    m = len(problem.A)
    ends = {name: solver(name, problem.A, lam=lam) for name in MINIMISERS[:-1]}
    for other in (ScikitLasso, CelerLasso):
        theirs = other(alpha=lam / m, fit_intercept=False, tol=1e-12, max_iter=10_000)
        expected = np.stack([theirs.fit(problem.A, row).coef_ for row in b])
        for name, one in ends.items():
            x = one.run(torch.from_numpy(b), 600)[-1].numpy()
            np.testing.assert_allclose(x, expected, rtol=0, atol=1e-6, err_msg=name)


def test_ista_never_increases_the_objective_and_fista_gets_lower(problem):
    lam, b = 0.02, torch.from_numpy(problem.b)

    def objective(x: torch.Tensor) -> float:
        residual = b - x @ torch.from_numpy(problem.A).T
        return float(0.5 * residual.square().sum() + lam * x.abs().sum())

    values = {
        name: [objective(x) for x in solver(name, problem.A, lam=lam).run(b, 30)]
        for name in ("ista", "fista")
    }
    assert (np.diff(values["ista"]) < 0).all()
    assert values["fista"][-1] < values["ista"][-1]


def test_the_momentum_sequence_is_that_of_fista():
    t = [1.0]
    for _ in range(9):
        t.append((1 + math.sqrt(1 + 4 * t[-1] ** 2)) / 2)
    expected = [0.0, *((t[k] - 1) / t[k + 1] for k in range(9))]
    assert fista_momentum(10) == pytest.approx(expected, abs=1e-15)
    assert fista_momentum(1) == [0.0]


def test_amp_outruns_ista_and_fista_on_a_gaussian_matrix():
    problem = make_problem(30, 120, 240, entries=12)
    b = torch.from_numpy(problem.b)
    last = {name: solver(name, problem.A).run(b, 16)[-1].numpy() for name in SOLVERS}
    score = {name: mean_nmse_db(x, problem.x) for name, x in last.items()}
    assert score["amp"] < score["fista"] - 5 < score["ista"] - 5


def test_the_step_size_keeps_ista_a_descent(problem):
    assert solver("ista", problem.A).lipschitz == pytest.approx(lipschitz(problem.A), rel=1e-12)
    assert shrink(np.array([-3.0, 0.5]), 1.0).tolist() == [-2.0, 0.0]


# Oracle


def test_the_oracle_solves_the_normal_equations_on_the_support(problem):
    noisy = problem.b + 0.1 * np.random.default_rng(1).standard_normal(problem.b.shape)
    estimate = oracle_estimate(problem.A, noisy, problem.x)
    for q, x in enumerate(problem.x):
        support = x != 0
        columns = problem.A[:, support]
        expected = np.linalg.solve(columns.T @ columns, columns.T @ noisy[q])
        np.testing.assert_allclose(estimate[q, support], expected, rtol=1e-9)
        assert (estimate[q, ~support] == 0).all()
    assert mean_nmse_db(estimate, problem.x) < -10


def test_without_noise_the_oracle_is_exact_up_to_rounding(problem):
    assert mean_nmse_db(oracle_estimate(problem.A, problem.b, problem.x), problem.x) < -280
