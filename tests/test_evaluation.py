"""Metrics, classical solvers, the oracle and the rows of the table of curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from conftest import Problem, make_problem
from l2o.evaluation import sparse_recovery as ev
from l2o.metrics import mean_nmse_db, pooled_nmse_db, sample_nmse_db
from l2o.optimizers.classical.momentum import fista_momentum
from l2o.optimizers.oracle import oracle_estimate
from l2o.optimizers.registry import methods
from l2o.optimizers.unrolled.net import UnrolledNet
from reference_algorithms import REFERENCES, ista, lipschitz, shrink

SOLVERS = methods("classical")
NETS = methods("unrolled")


def solver(name: str, A: np.ndarray, **hyper: float):
    return SOLVERS[name].load()(torch.from_numpy(A), hyper)


def test_set(problem: Problem) -> ev.TestSet:
    return ev.TestSet(problem.A, problem.b, problem.x)


test_set.__test__ = False

# Metrics


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


# Classical solvers


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_classical_solvers_equal_their_references(name, factor, problem):
    hyper = {key: factor * value for key, value in SOLVERS[name].hyperparameters.items()}
    ours = solver(name, problem.A, **({} if factor == 1.0 else hyper))
    expected = REFERENCES[name](problem.A, problem.b, 12, hyper)
    for iterate, reference in zip(ours.run(torch.from_numpy(problem.b), 12), expected, strict=True):
        np.testing.assert_allclose(iterate.numpy(), reference, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["ista", "fista"])
def test_proximal_solvers_reach_the_lasso_optimum(name, problem):
    """Certified by the duality gap, which bounds the distance to the minimum from above."""
    lam, b = 0.05, problem.b[:6]
    x = solver(name, problem.A, lam=lam).run(torch.from_numpy(b), 4000)[-1].numpy()
    for estimate, measurement in zip(x, b, strict=True):
        residual = measurement - problem.A @ estimate
        primal = 0.5 * residual @ residual + lam * np.abs(estimate).sum()
        dual_point = residual * min(1.0, lam / np.abs(problem.A.T @ residual).max())
        dual = 0.5 * measurement @ measurement
        dual -= 0.5 * (measurement - dual_point) @ (measurement - dual_point)
        assert -1e-12 < primal - dual < 1e-8 * primal
        assert np.count_nonzero(estimate) > 0


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


# Rows of the table


class Scaled(UnrolledNet):
    """Layer k turns the truth x, known to it, into scales[k] x."""

    name, label, trainable, hyperparameters = "scaled", "Scaled", (), {}

    def __init__(self, problem: Problem, scales: list[float]) -> None:
        super().__init__(torch.from_numpy(problem.A), len(scales), {})
        self.x, self.scales = torch.from_numpy(problem.x), scales

    def prepare(self, state, b):
        return state

    def apply_layer(self, k, prepared, b):
        return (self.scales[k] * self.x,)


def test_rows_follow_the_layers_and_layer_zero_is_at_zero_db(problem):
    rows, seconds = ev.evaluate_unrolled(Scaled(problem, [0.9, 1.01]), test_set(problem))
    assert [row["layer"] for row in rows] == [0, 1, 2]
    for column in ("nmse_db", "nmse_pooled_db", "nmse_q25_db", "nmse_median_db", "nmse_q75_db"):
        assert [row[column] for row in rows] == pytest.approx([0.0, -20.0, -40.0], abs=1e-9)
        assert rows[0][column] == 0.0
    assert {row["status"] for row in rows} == {"converged"}
    assert seconds > 0 and len({frozenset(row) for row in rows}) == 1


@pytest.mark.parametrize("last", [3.0, math.nan, math.inf, 1e200])
def test_a_diverged_run_has_that_status(problem, last):
    rows, _ = ev.evaluate_unrolled(Scaled(problem, [0.9, last]), test_set(problem))
    assert {row["status"] for row in rows} == {"diverged"}
    assert rows[1]["nmse_db"] == pytest.approx(-20.0)


def test_an_exact_recovery_is_minus_infinity(problem):
    rows, _ = ev.evaluate_unrolled(Scaled(problem, [1.0]), test_set(problem))
    assert rows[1]["nmse_db"] == rows[1]["nmse_pooled_db"] == -math.inf
    assert rows[1]["status"] == "converged"


def test_a_bad_layer_on_the_way_is_no_divergence(problem):
    rows, _ = ev.evaluate_unrolled(Scaled(problem, [5.0, 0.9]), test_set(problem))
    assert {row["status"] for row in rows} == {"converged"} and rows[1]["nmse_db"] > 0


@pytest.mark.parametrize("name", NETS)
def test_nets_are_evaluated_in_double_precision(name, problem):
    A = torch.from_numpy(problem.A).float()
    rows, _ = ev.evaluate_unrolled(NETS[name].load()(A, 3, {}), test_set(problem))
    net = NETS[name].load()(A, 3, {}).double()
    with torch.no_grad():
        iterates = net(torch.from_numpy(problem.b))
    expected = [0.0, *(mean_nmse_db(x.numpy(), problem.x) for x in iterates)]
    assert [row["nmse_db"] for row in rows] == pytest.approx(expected, abs=1e-12)
    assert rows[0]["parameters"] == sum(p.numel() for p in net.parameters()) > 0
    assert (rows[0]["method"], rows[0]["kind"]) == (name, "unrolled")


def noisy(problem: Problem, level: float) -> ev.TestSet:
    noise = np.random.default_rng(2).standard_normal(problem.b.shape)
    return ev.TestSet(problem.A, problem.b + level * noise, problem.x)


def test_lam_is_chosen_on_the_validation_set(problem):
    grid = [0.4, 0.1, 0.02, 0.005]
    validation, test = noisy(problem, 0.3), noisy(problem, 0.0)

    def best(data: ev.TestSet) -> float:
        lasts = [ista(problem.A, data.b, 30, {"lam": lam})[-1] for lam in grid]
        return grid[int(np.argmin([mean_nmse_db(x, data.x) for x in lasts]))]

    assert best(validation) != best(test)
    cls = SOLVERS["ista"].load()
    rows, _ = ev.evaluate_classical(cls, {}, 30, grid, validation, test)
    assert {row["lam"] for row in rows} == {best(validation)}
    assert rows[0]["label"] == f"ISTA (λ = {best(validation):g})"
    last = ista(problem.A, test.b, 30, {"lam": best(validation)})[-1]
    assert rows[-1]["nmse_db"] == pytest.approx(mean_nmse_db(last, test.x), abs=1e-9)
    assert len(rows) == 31 and rows[0]["parameters"] == 0


def test_a_solver_without_lam_takes_its_own_hyperparameters(problem):
    cls, data = SOLVERS["amp"].load(), test_set(problem)
    rows, _ = ev.evaluate_classical(cls, {"alpha": 2.0}, 5, [0.1], data, data)
    expected = REFERENCES["amp"](problem.A, problem.b, 5, {"alpha": 2.0})[-1]
    assert rows[-1]["nmse_db"] == pytest.approx(mean_nmse_db(expected, problem.x), abs=1e-8)
    assert math.isnan(rows[0]["lam"]) and rows[0]["label"] == "AMP"


def test_the_oracle_is_a_constant_line(problem):
    rows = ev.evaluate_oracle(noisy(problem, 0.1), 4)
    assert [row["layer"] for row in rows] == [0, 1, 2, 3, 4]
    assert len({row["nmse_db"] for row in rows}) == 1 and rows[0]["nmse_db"] < -10


def test_the_step_size_keeps_ista_a_descent(problem):
    assert solver("ista", problem.A).lipschitz == pytest.approx(lipschitz(problem.A), rel=1e-12)
    assert shrink(np.array([-3.0, 0.5]), 1.0).tolist() == [-2.0, 0.0]
