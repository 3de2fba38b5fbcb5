"""The Rastrigin family: the function, its sampling and storage, counting, a swarm on it."""

from __future__ import annotations

import math
from itertools import islice, pairwise

import h5py
import numpy as np
import pytest
import torch

from conftest import told
from l2o.errors import InputError
from l2o.optimizees.counted import Counted
from l2o.optimizees.rastrigin import Rastrigin, sample_slices
from l2o.optimizees.repeated import Repeated
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.first_order.gd_line_search import GdLineSearch
from l2o.optimizers.population.pso import Pso
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods
from l2o.storage.hdf5 import read_attributes
from l2o.storage.rastrigin_sets import read_rastrigin_split, write_rastrigin_set
from small_landscapes import classical_rastrigin


def drawn(n: int, count: int, seed: int = 3) -> list[np.ndarray]:
    slices = sample_slices(n, count, seed, ("rastrigin", "test"))
    return [np.concatenate(parts) for parts in zip(*slices, strict=True)]


def instances(n: int, count: int) -> Rastrigin:
    family = Rastrigin(*map(torch.from_numpy, drawn(n, count)))
    assert (len(family), family.dimension) == (count, n)
    return family.batch(torch.arange(count))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


# The function


@pytest.mark.parametrize("n", [1, 2, 10])
def test_the_objective_is_equation_21(n):
    f, x = instances(n, 7), normal(7, n)
    for q in range(7):
        A, b, c, at = (part[q].numpy() for part in (f.A, f.b, f.c, x))
        waves = sum(c[i] * math.cos(2 * math.pi * at[i]) for i in range(n))
        expected = 0.5 * np.linalg.norm(A @ at - b) ** 2 - 10 * waves + 10 * n
        assert f.objective(x)[q].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_the_gradient_is_that_of_autograd(lead):
    f = instances(5, 6)
    x = normal(*lead, 6, 5).requires_grad_(True)
    value = f.objective(x)
    (expected,) = torch.autograd.grad(value.sum(), x)
    assert value.shape == (*lead, 6)
    assert torch.allclose(f.gradient(x.detach()), expected, rtol=1e-12, atol=1e-12)


def test_the_classical_function_has_the_minimum_zero_at_zero():
    f = classical_rastrigin(4)
    zero = torch.zeros(1, 4, dtype=torch.float64)
    assert f.objective(zero).item() == 0.0 and not f.gradient(zero).any()
    assert f.lower_bound().item() == 0.0
    x = 3.0 * normal(1000, 1, 4)
    expected = (0.5 * x**2 - 10 * torch.cos(2 * torch.pi * x) + 10).sum(dim=-1)  # eq. (20)
    assert torch.allclose(f.objective(x), expected) and f.objective(x).min() > 0
    assert math.isfinite(f.meta_loss(zero))


def test_nothing_is_below_the_lower_bound_and_the_meta_loss_is_finite():
    f = instances(3, 50)
    x = 2.0 * normal(200, 50, 3)
    assert (f.objective(x) >= f.lower_bound()).all()
    excess = (f.objective(x[0]) - f.lower_bound()).mean() / 30.0
    assert f.meta_loss(x[0]).item() == pytest.approx(math.log(excess.item() + 1e-5))
    assert f.objective(x).min() < 0  # why it is not the logarithm of f


def test_repeated_instances_stand_in_a_row():
    f, x = instances(10, 6), normal(4, 6 * 3, 10)
    copied = Rastrigin(*(tensor.repeat_interleave(3, dim=0) for tensor in (f.A, f.b, f.c)))
    together = Repeated(f, 3)
    for points in (x, x[0]):
        assert torch.allclose(together.objective(points), copied.objective(points))
        assert torch.allclose(together.gradient(points), copied.gradient(points))
        assert torch.allclose(together.meta_loss(points), copied.meta_loss(points))
    assert f.to(torch.float32).objective(x[0, :6].float()).dtype == torch.float32


def test_an_instance_is_the_same_in_a_set_of_any_size():
    few, many = drawn(2, 5), drawn(2, 1500)
    assert all(np.array_equal(a, b[:5]) for a, b in zip(few, many, strict=True))
    assert not np.array_equal(many[0][:476], many[0][1024:])
    assert not np.array_equal(few[0], drawn(2, 5, seed=4)[0])


def test_entries_are_standard_normal_and_independent():
    A, b, c = drawn(2, 20_000)
    entries = np.concatenate([A.reshape(-1, 4), b, c], axis=1)
    assert np.abs(entries.mean(axis=0)).max() < 0.03
    assert np.abs(np.cov(entries.T) - np.eye(8)).max() < 0.04


# Storage


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "set.h5"
    splits = {"train": [drawn(2, 9), drawn(2, 4, seed=4)], "test": [drawn(2, 5, seed=5)]}
    splits["validation"] = [drawn(2, 3, seed=6)]
    write_rastrigin_set(path, splits, {"seed": 3, "alpha": 10.0})
    return path


def test_a_set_is_read_as_written(stored):
    A, b, c = read_rastrigin_split(stored, "train")
    assert (A.shape, b.shape, c.shape) == ((13, 2, 2), (13, 2), (13, 2))
    assert np.array_equal(A[9:], drawn(2, 4, seed=4)[0])
    for few, all_of_it in zip(read_rastrigin_split(stored, "train", 3), (A, b, c), strict=True):
        assert np.array_equal(few, all_of_it[:3])
    assert read_attributes(stored)["alpha"] == 10.0


@pytest.mark.parametrize(
    ("key", "array", "parts"),
    [
        ("test/A", np.full((5, 2, 2), np.nan), ("test/A", "NaN")),
        ("test/c", np.full((5, 2), np.inf), ("test/c", "infinity")),
        ("test/c", None, ("test/c", "missing")),
        ("test/A", np.ones((5, 2, 3)), ("test", "(5, 2, 3)", "do not fit")),
        ("test/b", np.ones((4, 2)), ("test", "(4, 2)", "do not fit")),
        ("test/b", np.ones(5), ("test", "(5,)", "do not fit")),
        ("test/b", np.ones((5, 2), int), ("test/b", "int64")),
    ],
)
def test_a_bad_set_is_told_in_one_line(stored, key, array, parts):
    with h5py.File(stored, "r+") as file:
        del file[key]
        if array is not None:
            file[key] = array
    with pytest.raises(InputError) as error:
        read_rastrigin_split(stored, "test")
    told(error, stored, *parts)


@pytest.mark.parametrize(
    ("train", "test", "parts"),
    [
        ((0, 4), (0, 4), ("train", "empty")),
        ((2, 4), (2, 0), ("test", "empty")),
        ((2, 4), (3, 4), ("train 2", "test 3")),
    ],
)
def test_empty_axes_and_unlike_splits_are_told(tmp_path, train, test, parts):
    path = tmp_path / "set.h5"
    splits = {
        name: [(np.ones((count, n, n)), np.ones((count, n)), np.ones((count, n)))]
        for name, (n, count) in {"train": train, "validation": train, "test": test}.items()
    }
    write_rastrigin_set(path, splits, {})
    with pytest.raises(InputError) as error:
        read_rastrigin_split(path, "test")
    told(error, path, *parts)


def test_a_missing_file_and_too_many_rows_are_told(stored, tmp_path):
    for path, rows in ((tmp_path / "none.h5", None), (stored, 6), (stored, 0)):
        with pytest.raises(InputError) as error:
            read_rastrigin_split(path, "test", rows)
        told(error, path)


# Counting


def run(optimizer, optimizee, x: torch.Tensor, steps: int) -> torch.Tensor:
    return next(islice(iterates(optimizer, optimizee, x), steps - 1, None))


def test_first_order_methods_count_a_gradient_and_swarms_a_value_for_each_particle():
    f, x = instances(2, 6), normal(6, 2)
    counted = Counted(f)
    run(Adam({"rate": 0.1}), counted, x, 7)
    assert counted.gradients.tolist() == [7] * 6 and counted.values is None
    assert counted.evaluations().tolist() == [7] * 6
    counted = Counted(f)
    run(Pso({"particles": 5}), counted, x, 7)
    assert counted.values.tolist() == [5 * 8] * 6 and counted.gradients is None  # 7 and the start
    assert Counted(f).evaluations().item() == 0


def test_a_line_search_counts_for_each_instance_what_it_takes_alone():
    f, x = instances(2, 6), normal(6, 2)
    counted = Counted(f)
    together = run(GdLineSearch({}), counted, x, 20)
    for q in range(6):
        one = Counted(Rastrigin(f.A[[q]], f.b[[q]], f.c[[q]]))
        alone = run(GdLineSearch({}), one, x[[q]], 20)
        assert torch.allclose(alone[0], together[q], rtol=1e-9, atol=1e-9)
        assert one.values.item() == counted.values[q].item()
    assert len(set(counted.values.tolist())) > 1
    assert (counted.gradients == 20).all() and (counted.values > 20).all()


def test_counting_changes_no_answer():
    f, x = instances(2, 6), normal(6, 2)
    counted = Counted(f)
    assert torch.equal(counted.objective(x), f.objective(x))
    assert torch.equal(counted.gradient(x), f.gradient(x))
    assert torch.equal(counted.meta_loss(x), f.meta_loss(x))
    counted.objective(x)
    assert counted.values.tolist() == [1] * 6
    counted.objective(torch.full_like(x, torch.nan))
    counted.objective(torch.full_like(x, torch.nan))
    assert counted.values.tolist() == [3] * 6


# The swarm


def test_the_swarm_never_gets_worse_and_beats_one_local_descent():
    f, x = instances(2, 20), normal(20, 2)
    values = [f.objective(at) for at in islice(iterates(Pso({}), f, x), 150)]
    for before, after in pairwise(values):
        assert (after <= before).all()
    assert (values[0] <= f.objective(x)).all()
    assert values[-1].mean() < f.objective(run(Adam({"rate": 0.1}), f, x, 150)).mean() - 1.0


def test_the_swarm_finds_the_minimum_of_the_classical_function():
    f = Repeated(classical_rastrigin(2), 8)
    best = run(Pso({"particles": 30}), f, 3.0 * normal(8, 2), 150)
    assert f.objective(best).median() < 1e-6


def test_the_swarm_is_deterministic_and_an_instance_does_not_depend_on_the_others():
    f, x = instances(2, 6), normal(6, 2)
    last = run(Pso({}), f, x, 30)
    assert torch.equal(last, run(Pso({}), f, x, 30))
    assert not torch.allclose(last, run(Pso({"seed": 1}), f, x, 30))
    few = Rastrigin(f.A[:2], f.b[:2], f.c[:2])
    assert torch.allclose(run(Pso({}), few, x[:2], 30), last[:2], rtol=1e-6, atol=1e-6)


def test_one_step_of_the_swarm_is_that_of_clerc_and_kennedy():
    f, x = instances(2, 3), normal(3, 2)
    pso = Pso({"particles": 4})
    best, at, v, own, values, count = pso.step(f, pso.init(f, x))
    new = pso.step(f, (best, at, v, own, values, count))
    draws = torch.rand(3, 2, 4, 2, generator=pso._generator(2), dtype=torch.float64)
    for q in range(3):
        for k in range(4):
            own_pull = 2.05 * draws[q, 0, k] * (own[k, q] - at[k, q])
            pull = own_pull + 2.05 * draws[q, 1, k] * (best[q] - at[k, q])
            moved = 0.72984 * (v[k, q] + pull)
            assert torch.allclose(new[2][k, q], moved) and torch.allclose(
                new[1][k, q], at[k, q] + moved
            )
    assert methods("population")["pso"].load() is Pso
