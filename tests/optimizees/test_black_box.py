"""Test functions at their known minima, draws from a Gaussian process, and who answers for them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime

from l2o.errors import InputError
from l2o.experiments.black_box.parameters import DIMENSIONS
from l2o.optimizees import black_box
from l2o.optimizees.black_box import FUNCTIONS, Asked, Draws, drawn, known, load_black_box
from l2o.storage.array_sets import write_arrays

# Surjanovic & Bingham 2013, Virtual Library of Simulation Experiments.
MINIMA = {"branin": 0.397887, "hartmann3": -3.86278, "hartmann6": -3.32237, "rastrigin": 0.0}
BRANIN = [(-math.pi, 12.275), (math.pi, 2.275), (9.42478, 2.475)]


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_its_known_minimum_at_its_known_place(name):
    f = known(random(), 2, name)
    at = f.minimiser()
    assert ((at > 0) & (at < 1)).all() and len(at) == f.dimension == DIMENSIONS[name]
    lowest = f.objective(at.expand(2, -1))
    assert (lowest * f.deviation + f.centre).tolist() == pytest.approx([MINIMA[name]] * 2, abs=1e-5)
    assert f.gradient(at.expand(2, -1)).abs().max() < 2e-3
    near = (at + 0.02 * torch.randn(500, 2, len(at), dtype=torch.float64)).clamp(0, 1)
    assert (f.objective(near) >= lowest - 1e-9).all()


def test_all_minimisers_of_branin_are_alike():
    values = black_box.branin(torch.tensor(BRANIN, dtype=torch.float64))
    assert values.tolist() == pytest.approx([MINIMA["branin"]] * 3, abs=1e-5)


def test_the_minimum_of_rastrigin_is_not_in_the_centre_of_the_box():
    assert (known(random(), 1, "rastrigin").minimiser() - 0.5).abs().min() > 0.1


@pytest.mark.parametrize(
    "f", [drawn(random(), 5, 3, 200, (0.3, 0.6)), known(random(), 5, "branin")]
)
def test_values_have_mean_0_and_deviation_1_over_the_box(f):
    values = f.objective(torch.rand(4000, 5, f.first.shape[1], dtype=torch.float64))
    assert values.mean(dim=0).abs().max() < 0.12
    assert (values.std(dim=0) - 1).abs().max() < 0.12


def test_a_draw_is_the_sum_of_its_cosines_with_the_right_gradient():
    f = drawn(random(), 3, 2, 40, (0.2, 0.5))
    x = torch.rand(4, 3, 2, dtype=torch.float64)
    found = f.objective(x)
    for point, i in ((0, 0), (3, 2)):
        omega, b, w = (part[i].numpy() for part in (f.frequencies, f.phases, f.weights))

        def value(at, i=i, omega=omega, b=b, w=w):
            raw = sum(w[m] * math.cos(omega[m] @ at + b[m]) for m in range(40))
            return (raw - float(f.centre[i])) / float(f.deviation[i])

        at = x[point, i].numpy()
        assert float(found[point, i]) == pytest.approx(value(at), rel=1e-10)
        slope = approx_fprime(at, value, 1e-7)
        assert f.gradient(x)[point, i].numpy() == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_draws_have_the_covariance_of_the_kernel():
    count, scale = 6000, 0.3
    f = drawn(random(1), count, 2, 16, (scale, scale))
    places = torch.tensor([[0.2, 0.3], [0.2, 0.5], [0.6, 0.3], [0.9, 0.9]], dtype=torch.float64)
    values = f.objective(places.unsqueeze(1).expand(-1, count, -1)) * f.deviation + f.centre
    found = (values @ values.T / count).numpy()
    squares = torch.cdist(places, places).square().numpy()
    assert found == pytest.approx(np.exp(-squares / (2 * scale**2)), abs=0.06)


def test_draws_are_the_same_again_and_differ_from_each_other():
    one, other = (drawn(random(3), 4, 2, 30, (0.1, 0.5)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one._tensors(), other._tensors(), strict=True))
    assert len({*one.weights[:, 0].tolist()}) == 4
    batch = one.batch(torch.tensor([2]))
    x = torch.rand(4, 2, dtype=torch.float64)
    assert torch.allclose(batch.objective(x[2:3]), one.objective(x)[2:3])


def test_who_is_asked_answers_with_values_in_the_box_and_writes_them_down():
    f = drawn(random(), 3, 2, 30, (0.1, 0.5))
    asked = Asked(f)
    one, many = torch.rand(3, 2, dtype=torch.float64), torch.rand(2, 3, 2, dtype=torch.float64)
    asked.objective(one)
    asked.objective(many)
    assert torch.equal(torch.stack(asked.points), torch.cat([one[None], many]))
    assert torch.equal(torch.stack(asked.values), f.objective(torch.cat([one[None], many])))
    assert not {"gradient", "frequencies", "deviation", "minimiser"} & {*dir(asked)}
    for bad in (-1e-9, 1 + 1e-9, math.nan):
        with pytest.raises(ValueError, match="not in the box"):
            asked.objective(torch.full((3, 2), bad, dtype=torch.float64))
    assert len(asked.values) == 3


def test_a_stored_set_comes_back_and_one_of_something_else_is_told(tmp_path):
    f, path = drawn(random(), 3, 2, 5, (0.1, 0.5)), tmp_path / "set.h5"
    write_arrays(path, {"test": {name: of.numpy() for name, of in vars(f).items()}}, {})
    again = load_black_box(path, "draws")
    assert isinstance(again, Draws) and torch.equal(again.weights, f.weights)
    with pytest.raises(InputError, match="are not those of branin; draw the set again"):
        load_black_box(path, "branin")
