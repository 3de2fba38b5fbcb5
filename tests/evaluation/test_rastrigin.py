"""Evaluation on the Rastrigin family: runs, rows, and what the oracle says of other instances."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from l2o.evaluation import family
from l2o.evaluation import rastrigin as ev
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
    together = family.followed(optimizer, f, starts, recorded, torch.float64)
    assert together.values.shape == (4, 4, 5)
    if isinstance(optimizer, Pso):  # draws are shared out among the runs of a batch
        assert (np.diff(together.values, axis=0) <= 0).all()
        assert together.evaluations[:, 0, 0].tolist() == [3, 6, 24, 63]
        assert (together.evaluations == together.evaluations[:, :1, :1]).all()
        return
    for q in range(5):
        one = Rastrigin(f.A[[q]], f.b[[q]], f.c[[q]])
        alone = family.followed(optimizer, one, starts[:, [q]], recorded, torch.float64)
        assert np.allclose(alone.values[:, :, 0], together.values[:, :, q], rtol=1e-9)
        assert (alone.evaluations[:, :, 0] == together.evaluations[:, :, q]).all()
    assert np.allclose(together.values[0], f.objective(starts).numpy())
    assert (together.evaluations[0] == 0).all()
    assert (np.diff(together.evaluations, axis=0) > 0).all()


def test_rows_give_means_extremes_quartiles_and_the_gap():
    values = np.array([[[4.0, 8.0], [6.0, 10.0]], [[1.0, 3.0], [2.0, 6.0]]])
    runs = family.Runs(values, np.array([0.0, 5.0]), 1.0)
    first, last = family.curve_rows(WHO, [0, 5], runs)
    assert (first["loss"], first["loss_low"], first["loss_high"]) == (7.0, 6.0, 8.0)
    assert (last["loss"], last["evaluations"]) == (3.0, 5.0)
    assert (last["loss_q25"], last["loss_median"], last["loss_q75"]) == (1.75, 2.5, 3.75)
    assert (last["status"], last["shift"]) == ("converged", 1)
    gap = ev.gaps(runs, np.array([1.0, 2.0]))[1]
    assert gap["gap"] == 1.5 and (gap["gap_q25"], gap["gap_q75"]) == (0.75, 1.75)  # of 0, 1, 1, 4
    final = family.final_row(WHO, runs)
    assert (final["runs"], final["failed"], final["loss"]) == (4, 0, 3.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 9.0])
def test_a_run_that_ends_above_its_start_or_nowhere_has_diverged(bad):
    values = np.array([[[4.0, 8.0]], [[4.0, bad]]])
    rows = family.curve_rows(WHO, [0, 1], family.Runs(values, np.zeros(2), 1.0))
    assert {row["status"] for row in rows} == {"diverged"}


def test_the_expected_minimum_is_that_of_other_instances():
    n, alpha = 3, 10.0
    f, others = instances(n, 400), instances(n, 1000)
    bound = f.lower_bound().numpy()
    columns = {
        "minimum": bound + 0.5,
        "proven": np.arange(400) < 300,
        "oracle": bound + np.where(np.arange(400) < 100, 2.5, 0.5),
        "lower_bound": bound,
        "agreeing": np.ones(400),
        "settled": np.full(400, 0.5),
        "grid": np.where(
            np.arange(400) < 3, bound + np.array([0.5, 0.5, 0.4])[np.arange(400) % 3], np.nan
        ),
    }
    found = ev.optima_summary(columns, n, alpha, 10, 128)
    spread = others.lower_bound().std().item()
    expected = others.lower_bound().mean().item() + 0.5
    assert abs(found["expected_minimum"] - expected) < 4 * spread / math.sqrt(1000)
    assert found["minimum_error"] == pytest.approx(bound.std(ddof=1) / math.sqrt(128))
    assert (found["grid_checked"], found["grid_equal"]) == (3, 2)
    assert found["grid_largest_excess"] == pytest.approx(0.1)
    assert (found["proven"], found["oracle_above"]) == (0.75, 0.25)
    assert found["oracle_largest_excess"] == pytest.approx(2.0)
    assert found["oracle"] - found["minimum"] == pytest.approx(0.5)
    assert (found["instances"], found["starts"], found["settled"]) == (400, 10, 0.5)
