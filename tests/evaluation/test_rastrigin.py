"""Evaluation on the Rastrigin family: runs, rows, and what the oracle says of other instances."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from l2o.evaluation import rastrigin as ev
from l2o.evaluation.grid_search import combinations, grid_search
from l2o.evaluation.runs import Contestant, start_points
from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.first_order.nag import Nag
from l2o.optimizers.population.pso import Pso

WHO = Contestant("x", "recurrent", "X", shift=1)


def instances(n: int = 3, count: int = 5) -> Rastrigin:
    arrays = next(iter(sample_slices(n, count, 4, ("evaluation",))))
    return Rastrigin(*(torch.from_numpy(array.copy()) for array in arrays))


@pytest.mark.parametrize("optimizer", [Adam({"rate": 0.1}), Nag({}), Pso({"particles": 3})])
def test_a_run_in_the_batch_is_the_run_alone(optimizer):
    f, starts = instances(), start_points(0, 4, 5, 3, 1.0)
    recorded = [0, 1, 7, 20]
    together = ev.followed(optimizer, f, starts, recorded, torch.float64)
    assert together.values.shape == (4, 4, 5)
    if isinstance(optimizer, Pso):  # draws are shared out among the runs of a batch
        assert (np.diff(together.values, axis=0) <= 0).all()
        assert together.evaluations.tolist() == [3, 6, 24, 63]
        return
    for q in range(5):
        one = Rastrigin(f.A[[q]], f.b[[q]], f.c[[q]])
        alone = ev.followed(optimizer, one, starts[:, [q]], recorded, torch.float64)
        assert np.allclose(alone.values[:, :, 0], together.values[:, :, q], rtol=1e-9)
    assert np.allclose(together.values[0], f.objective(starts).numpy())
    assert together.evaluations[0] == 0 and (np.diff(together.evaluations) > 0).all()


def test_rows_give_means_extremes_quartiles_and_the_gap():
    values = np.array([[[4.0, 8.0], [6.0, 10.0]], [[1.0, 3.0], [2.0, 6.0]]])
    runs = ev.Runs(values, np.array([0.0, 5.0]), 1.0)
    first, last = ev.curve_rows(WHO, [0, 5], runs, np.array([1.0, 2.0]))
    assert (first["loss"], first["loss_low"], first["loss_high"]) == (7.0, 6.0, 8.0)
    assert (last["loss"], last["gap"], last["evaluations"]) == (3.0, 1.5, 5.0)
    assert (last["gap_q25"], last["gap_q75"]) == (0.75, 1.75)  # of 0, 1, 1, 4
    assert (last["status"], last["shift"]) == ("converged", 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 9.0])
def test_a_run_that_ends_above_its_start_or_nowhere_has_diverged(bad):
    values = np.array([[[4.0, 8.0]], [[4.0, bad]]])
    rows = ev.curve_rows(WHO, [0, 1], ev.Runs(values, np.zeros(2), 1.0), np.zeros(2))
    assert {row["status"] for row in rows} == {"diverged"}


def test_the_expected_oracle_is_that_of_other_instances():
    n, alpha = 3, 10.0
    f, others = instances(n, 400), instances(n, 1000)
    bound = f.lower_bound().numpy()
    columns = {
        "oracle": bound + 0.5,
        "lower_bound": bound,
        "agreeing": np.ones(400),
        "settled": np.full(400, 0.5),
        "grid": np.where(
            np.arange(400) < 3, bound + np.array([0.5, 0.5, 0.4])[np.arange(400) % 3], np.nan
        ),
    }
    found = ev.oracle_summary(columns, n, alpha, 10, 128)
    spread = others.lower_bound().std().item()
    expected = others.lower_bound().mean().item() + 0.5
    assert abs(found["expected_oracle"] - expected) < 4 * spread / math.sqrt(1000)
    assert found["oracle_error"] == pytest.approx(bound.std(ddof=1) / math.sqrt(128))
    assert (found["grid_checked"], found["grid_equal"]) == (3, 2)
    assert found["grid_largest_excess"] == pytest.approx(0.1)
    assert (found["instances"], found["starts"], found["settled"]) == (400, 10, 0.5)


def test_a_grid_is_searched_whole_and_methods_without_one_are_run_once():
    assert list(combinations({"rate": 1.0}, {"a": [1, 2], "b": [3, 4]})) == [
        {"rate": 1.0, "a": a, "b": b} for a in (1, 2) for b in (3, 4)
    ]
    f, starts = instances(), start_points(0, 2, 5, 3, 1.0)
    fixed, grids = {"adam": {}, "gd": {"rate": 0.001}}, {"adam": {"rate": [10.0, 0.1]}}
    rows = grid_search(f, starts, 30, fixed, grids)
    assert [(row["method"], row["chosen"]) for row in rows] == [
        ("adam", False),
        ("adam", True),
        ("gd", True),
    ]
    again = ev.followed(Adam({"rate": 0.1}), f, starts, [30], torch.float64)
    assert rows[1]["loss"] == again.values.mean()
