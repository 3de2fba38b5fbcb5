"""Solvers of single LASSO instances: how far they come, and what is told of them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from conftest import make_problem
from l2o.evaluation.exact_lasso import celer_solutions, exact_rows
from l2o.optimizees.lasso_optimum import lasso_optimum

LAM = 0.05


def test_celer_solves_our_lasso_as_scikit_learn_does():
    """Its objective is ours over m, so that the weight of the 1-norm is, too."""
    problem = make_problem(5, 20, 40)
    theirs = Lasso(alpha=LAM / 20, fit_intercept=False, tol=1e-12, max_iter=100_000)
    expected = np.stack([theirs.fit(problem.A, b).coef_ for b in problem.b])
    found = celer_solutions(problem.A, problem.b, LAM, 1e-12)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_rows_tell_tolerances_losses_and_seconds():
    problem = make_problem(12, 20, 40)
    b = np.concatenate([problem.b, 1e-3 * problem.b[:1]])  # the last one has its minimum at x = 0
    optimum = lasso_optimum(problem.A, b, LAM).objective
    *ours, certified = exact_rows(problem.A, b, LAM, optimum, [0.1, 1e-3, 1e-9])
    assert [row["tolerance"] for row in ours] == [0.1, 1e-3, 1e-9]
    assert [row["iteration"] for row in (*ours, certified)] == [1, 2, 3, 4]
    assert {(row["runs"], row["failed"], row["batch"]) for row in (*ours, certified)} == {
        (13, 0, 13)
    }
    losses = [row["relative_loss"] for row in ours]
    assert losses == sorted(losses, reverse=True) and 0 <= losses[-1] < 1e-6
    assert certified["relative_loss"] == pytest.approx(0, abs=1e-12)
    assert all(row["seconds"] > 0 for row in (*ours, certified))
    assert (ours[0]["method"], certified["kind"]) == ("celer", "oracle")
