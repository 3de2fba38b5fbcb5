"""What is left under a shift: bounds of each run, blocks of instances, starts, and minima."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from l2o.evaluation.runs import Contestant
from l2o.evaluation.shifts import gap_rows, left_row, minima, recovery_row, with_degradation
from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizers.lattice_minimum import lattice_minimum

SWARM = Contestant("pso", "population", "PSO")


def test_runs_that_are_solved_to_many_digits_offset_none_that_fails():
    each = np.array([[-150.0, -150.0, 30.0, math.inf, -20.0, -20.0, -20.0, -20.0]])
    row = left_row(each, -3.0, -60.0)
    assert row["left_db"] == (-120 - 80) / 8
    assert row["mean_db"] == math.inf and row["median_db"] == -20 and row["pooled_db"] == -3
    assert row["failed"] == 2 / 8 and row["runs"] == 8
    assert [row[f"left_{i}"] for i in range(1, 9)] == [-60, -60, 0, 0, -20, -20, -20, -20]


def test_blocks_are_of_instances_whatever_the_start():
    each = -np.arange(32.0).reshape(2, 16)
    row = left_row(each, 0.0, -60.0)
    assert row["left_1"] == each[:, :2].mean() and row["left_8"] == each[:, 14:].mean()
    few = left_row(each[:, :3], 0.0, -60.0)
    assert few["left_3"] == each[:, 2].mean() and math.isnan(few["left_4"])


def test_a_diverged_sample_counts_as_the_start():
    errors = np.array([[0.0, 0.0], [math.nan, -math.inf]])
    found = SimpleNamespace(
        errors=errors, pooled=np.array([0.0, math.inf]), depth=1, kind="unrolled", label="LISTA"
    )
    row = recovery_row(found, -60.0)
    assert row["left_db"] == -30 and row["failed"] == 0.5
    assert row["mean_db"] == math.inf  # and not NaN, which says that a method cannot be run


@pytest.mark.parametrize("pooled", [math.nan, math.inf])
def test_what_diverged_is_never_told_as_what_cannot_be_run(pooled):
    found = SimpleNamespace(
        errors=np.array([[0.0, 0.0], [math.nan, -20.0]]),
        pooled=np.array([0.0, pooled]),
        depth=1,
        kind="unrolled",
        label="LISTA",
    )
    row = recovery_row(found, -60.0)
    assert row["pooled_db"] == math.inf and row["left_db"] == -10


def test_all_methods_are_held_against_the_same_start():
    """A swarm draws particles first, and its first value is that of the best of them."""
    first, lowest = np.full((1, 2), 10.0), np.zeros(2)
    values = np.array([[[1.0, 1.0]], [[1.0, 0.1]]])
    ((name, row),) = gap_rows([(SWARM, values)], first, lowest, [0, 50], -40.0)
    assert name == "pso" and row["iteration"] == 50
    assert row["left_db"] == pytest.approx(-15) and row["pooled_db"] == pytest.approx(
        -12.596, abs=1e-3
    )


def test_minima_are_searched_where_methods_may_have_missed_them():
    parts = zip(*sample_slices(2, 3, 5, ("shifts",)), strict=True)
    f = Rastrigin(*(torch.from_numpy(np.concatenate(part)) for part in parts), alpha=10.0)
    truth = [lattice_minimum(f.batch(torch.tensor([i]))).objective for i in range(3)]
    missed = np.array(truth)[None, None] + np.array([0.0, 1.0, 2.0])
    assert minima(f, [missed + 1, missed], search=True) == pytest.approx(truth, abs=1e-6)
    assert minima(f, [missed + 1, missed], search=False).tolist() == missed[0, 0].tolist()


def test_what_is_left_more_than_at_home_is_by_method_and_variant():
    head = {"method": "adam", "variant": "main", "iteration": 5}
    rows = with_degradation(
        [head | {"home": True, "left_db": -9.0}, head | {"home": False, "left_db": -4.0}]
    )
    assert [row["degradation_db"] for row in rows] == [0, 5]
