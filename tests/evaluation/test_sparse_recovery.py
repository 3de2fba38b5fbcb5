"""Evaluation on sparse recovery: every layer, both conventions, weights chosen on validation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import Problem
from l2o.evaluation import clock
from l2o.evaluation import sparse_recovery as ev
from l2o.metrics import mean_nmse_db
from l2o.optimizers.registry import methods
from l2o.optimizers.unrolled.net import UnrolledNet
from reference_algorithms import REFERENCES, ista

SOLVERS, NETS = methods("classical"), methods("unrolled")


def test_set(problem: Problem) -> ev.TestSet:
    return ev.TestSet(problem.A, problem.b, problem.x)


test_set.__test__ = False


class Scaled(UnrolledNet):
    """Layer k turns the truth x, known to it, into scales[k] x."""

    name, label, trainable, hyperparameters = "scaled", "Scaled", (), {}
    starts = {"scaled": "scaled"}

    def __init__(self, problem: Problem, scales: list[float]) -> None:
        super().__init__(torch.from_numpy(problem.A), len(scales), {})
        self.x, self.scales = torch.from_numpy(problem.x), scales

    def prepare(self, state, b):
        return state

    def apply_layer(self, k, prepared, b):
        return (self.scales[k] * self.x,)


def test_rows_follow_the_layers_and_layer_zero_is_at_zero_db(problem):
    test = test_set(problem)
    followed = ev.follow_net(Scaled(problem, [0.9, 1.01]), test)
    rows, final = ev.curve_rows(followed), ev.final_row(followed)
    assert [row["layer"] for row in rows] == [0, 1, 2]
    for column in ("nmse_db", "nmse_pooled_db", "nmse_q25_db", "nmse_median_db", "nmse_q75_db"):
        assert [row[column] for row in rows] == pytest.approx([0.0, -20.0, -40.0], abs=1e-9)
        assert rows[0][column] == 0.0
    assert {row["status"] for row in rows} == {"converged"}
    assert followed.seconds > 0 and len({frozenset(row) for row in rows}) == 1
    assert (final["runs"], final["failed"]) == (len(test.b), 0)
    for column in ("nmse_db", "nmse_pooled_db", "nmse_p99_db"):
        assert final[column] == pytest.approx(-40.0, abs=1e-9)


def net_rows(net: UnrolledNet, problem: Problem) -> list[dict]:
    test = test_set(problem)
    return ev.curve_rows(ev.follow_net(net, test))


@pytest.mark.parametrize("last", [3.0, math.nan, math.inf, 1e200])
def test_a_diverged_run_has_that_status(problem, last):
    rows = net_rows(Scaled(problem, [0.9, last]), problem)
    assert {row["status"] for row in rows} == {"diverged"}
    assert rows[1]["nmse_db"] == pytest.approx(-20.0)


def test_an_exact_recovery_is_minus_infinity(problem):
    rows = net_rows(Scaled(problem, [1.0]), problem)
    assert rows[1]["nmse_db"] == rows[1]["nmse_pooled_db"] == -math.inf
    assert rows[1]["status"] == "converged"


def test_a_bad_layer_on_the_way_is_no_divergence(problem):
    rows = net_rows(Scaled(problem, [5.0, 0.9]), problem)
    assert {row["status"] for row in rows} == {"converged"} and rows[1]["nmse_db"] > 0


@pytest.mark.parametrize("name", NETS)
def test_nets_are_evaluated_in_double_precision(name, problem):
    A = torch.from_numpy(problem.A).float()
    rows = net_rows(NETS[name].load()(A, 3, {}), problem)
    net = NETS[name].load()(A, 3, {}).double()
    with torch.no_grad():
        iterates = net(torch.from_numpy(problem.b))
    expected = [0.0, *(mean_nmse_db(x.numpy(), problem.x) for x in iterates)]
    assert [row["nmse_db"] for row in rows] == pytest.approx(expected, abs=1e-12)
    assert rows[0]["parameters"] == sum(p.numel() for p in net.parameters()) > 0
    assert (rows[0]["label"], rows[0]["kind"]) == (NETS[name].label, "unrolled")


def noisy(problem: Problem, level: float) -> ev.TestSet:
    noise = np.random.default_rng(2).standard_normal(problem.b.shape)
    return ev.TestSet(problem.A, problem.b + level * noise, problem.x)


def test_a_solver_is_followed_beyond_the_depth_that_its_ends_are_about(problem):
    data, hyper = test_set(problem), {"lam": 0.02}
    followed = ev.follow_solver(SOLVERS["ista"].load(), hyper, 10, 30, data)
    rows, final = ev.curve_rows(followed), ev.final_row(followed)
    expected = [mean_nmse_db(x, data.x) for x in ista(problem.A, problem.b, 30, hyper)]
    found = [row["nmse_db"] for row in rows]
    assert found == pytest.approx([0.0, *expected], abs=1e-9) and len(rows) == 31
    assert final["nmse_db"] == rows[10]["nmse_db"] and final["layer"] == 10
    assert {row["lam"] for row in rows} == {0.02} and rows[0]["parameters"] == 0
    assert rows[0]["label"] == "ISTA (λ = 0.02)" and followed.seconds > 0
    assert ev.last_error(SOLVERS["ista"].load(), hyper, 10, data) == rows[10]["nmse_db"]


def test_the_status_is_that_at_the_depth(problem):
    test = test_set(problem)
    of = ev.follow_net(Scaled(problem, [0.9, 9.0]), test)
    for depth, status in ((1, "converged"), (2, "diverged")):
        followed = replace(of, depth=depth)
        assert {row["status"] for row in ev.curve_rows(followed)} == {status}
        assert ev.final_row(followed)["failed"] == (depth == 2) * len(test.b)


def test_a_label_tells_what_was_searched_for(problem):
    data, labels = test_set(problem), []
    for name, hyper in (("amp", {"alpha": 2.0}), ("vamp", {}), ("vamp", {"damping": 0.3})):
        labels.append(ev.follow_solver(SOLVERS[name].load(), hyper, 2, 5, data).label)
    assert labels == ["AMP (α = 2)", "VAMP", "VAMP (damping = 0.3)"]
    rows = ev.curve_rows(ev.follow_solver(SOLVERS["amp"].load(), {"alpha": 2.0}, 5, 5, data))
    expected = REFERENCES["amp"](problem.A, problem.b, 5, {"alpha": 2.0})[-1]
    assert rows[-1]["nmse_db"] == pytest.approx(mean_nmse_db(expected, problem.x), abs=1e-8)
    assert math.isnan(rows[0]["lam"])


def test_methods_that_are_timed_take_turns_and_the_fastest_round_counts(problem, monkeypatch):
    ticks, order = iter([0.0, 5.0, 5.0, 6.0, 6.0, 8.0, 8.0, 8.5, 9.0, 12.0, 12.0, 13.0]), []
    monkeypatch.setattr(clock.time, "perf_counter", lambda: next(ticks))
    solvers = {name: (lambda b, name=name: order.append(name), k, k) for name, k in SOLVED.items()}
    rows = ev.seconds_rows(solvers, test_set(problem))
    assert order == ["net", "classical"] * 3
    assert [row["iteration"] for row in rows] == [1, 2, 1, 2, 3, 4]
    assert [row["seconds"] for row in rows] == pytest.approx([1, 2, 0.125, 0.25, 0.375, 0.5])
    assert {row["batch"] for row in rows} == {len(problem.b)}


SOLVED = {"net": 2, "classical": 4}  # layers


def test_the_oracle_is_a_constant_line(problem):
    test = noisy(problem, 0.1)
    rows = ev.curve_rows(ev.follow_oracle("Oracle", test, 4))
    assert [row["layer"] for row in rows] == [0, 1, 2, 3, 4]
    assert len({row["nmse_db"] for row in rows}) == 1 and rows[0]["nmse_db"] < -10
