"""Run-and-Inspect against an exhaustive search in two dimensions."""

from __future__ import annotations

import math

import pytest
import torch

from l2o.evaluation.runs import start_points
from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizers.exhaustive import exhaustive_minimum
from l2o.optimizers.local_descent import local_minimum
from l2o.optimizers.run_and_inspect import Inspection, offsets, run_and_inspect
from small_landscapes import classical_rastrigin

COUNT = 40


def instances() -> Rastrigin:
    arrays = next(iter(sample_slices(2, COUNT, 0, ("test",))))
    return Rastrigin(*(torch.from_numpy(array.copy()) for array in arrays))


def one(f: Rastrigin, q: int) -> Rastrigin:
    return Rastrigin(f.A[[q]], f.b[[q]], f.c[[q]])


@pytest.fixture(scope="module")
def found():
    f = instances()
    return f, run_and_inspect(f, start_points(0, 10, COUNT, 2, 1.0), seed=0)


def test_in_two_dimensions_it_finds_what_exhaustive_search_finds(found):
    f, minima = found
    best = minima.objective.tolist()
    exact = [exhaustive_minimum(one(f, q), best[q]) for q in range(COUNT)]
    searched = [q for q in range(COUNT) if math.isfinite(exact[q])]
    assert len(searched) >= 0.9 * COUNT
    assert all(best[q] >= exact[q] - 1e-6 for q in searched)
    hits = sum(best[q] <= exact[q] + 1e-6 for q in searched)
    assert hits >= 0.95 * len(searched)


def test_the_exhaustive_search_knows_the_classical_minimum():
    assert exhaustive_minimum(classical_rastrigin(2), 30.0) == pytest.approx(0.0, abs=1e-9)


def test_what_it_returns_is_a_minimum_with_its_value(found):
    f, minima = found
    assert torch.equal(minima.objective, f.objective(minima.x))
    assert f.gradient(minima.x).abs().max() < 1e-5
    assert (minima.objective >= f.lower_bound()).all() and minima.stopped.all()
    assert ((minima.agreeing >= 0.1 - 1e-9) & (minima.agreeing <= 1.0)).all()
    local = local_minimum(f, start_points(0, 10, COUNT, 2, 1.0))[1].amin(dim=0)
    assert (minima.objective <= local + 1e-9).all()
    assert minima.objective.mean() < local.mean() - 0.1


def test_it_finds_the_classical_minimum_in_ten_dimensions():
    starts = start_points(2, 2, 1, 10, 2.0)
    minima = run_and_inspect(classical_rastrigin(10), starts, 0, Inspection(5.0, 512))
    assert minima.objective.item() == pytest.approx(0.0, abs=1e-9)


def test_the_same_seed_gives_the_same_and_the_other_instances_do_not_matter():
    f, how = instances(), Inspection(points=256)
    starts = start_points(0, 2, COUNT, 2, 1.0)
    minima = run_and_inspect(f, starts, 5, how)
    assert torch.equal(minima.x, run_and_inspect(f, starts, 5, how).x)
    for q in (0, 7):
        alone = run_and_inspect(one(f, q), starts[:, [q]], 5, how)
        assert alone.objective.item() == pytest.approx(minima.objective[q].item(), abs=1e-6)


def test_displacements_stay_within_the_radius_and_half_are_whole_periods():
    moved = offsets(2000, 4, 3.0, torch.Generator().manual_seed(0))
    assert moved.norm(dim=1).max() <= 3.0 and torch.isfinite(moved).all()
    assert torch.equal(moved[::2], moved[::2].round())
    for count in range(1, 5):
        assert (moved[1::2].ne(0).sum(dim=1) == count).float().mean() > 0.15


def test_it_stops_after_the_most_rounds_and_says_so():
    starts = start_points(0, 1, COUNT, 2, 1.0)
    minima = run_and_inspect(instances(), starts, 0, Inspection(points=512, rounds=1))
    assert not minima.stopped.all()
