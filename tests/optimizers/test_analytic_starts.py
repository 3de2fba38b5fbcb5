"""Recurrent optimizers that start as analytic ones, against these, written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from l2o.config.meta_training import AnalyticStart
from l2o.errors import InputError
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.optimizers.recurrent.l2o_enhanced import L2oEnhanced
from l2o.optimizers.recurrent.l2o_rnnprop import L2oRnnProp
from l2o.optimizers.recurrent.l2o_scale import L2oScale

STEPS, MEMORY, FALL = 300, 100, 3.0


class Given:
    """An optimizee whose gradients are drawn beforehand."""

    def __init__(self) -> None:
        drawn = torch.randn(STEPS, 1, 50, generator=Generator().manual_seed(5))
        sizes = torch.logspace(-4, -2, 50)
        self.gradients, self.at = sizes * (0.3 + drawn), 0

    def gradient(self, x: Tensor) -> Tensor:
        self.at += 1
        return self.gradients[self.at - 1]


def begun(kind, gain: float = 1.0, **hyper: float):
    made = kind(hyper, Generator().manual_seed(0)).requires_grad_(False)
    made.begin(AnalyticStart(gain=gain, memory=MEMORY, fall=FALL))
    return made


def steps(made, count: int = STEPS) -> Tensor:
    """The changes of x, (steps, 50)."""
    optimizee, x = Given(), torch.zeros(1, 50)
    state, found = made.init(optimizee, x), [x]
    for _ in range(count):
        state = made.step(optimizee, state)
        found.append(state[0])
    return torch.cat(found).diff(dim=0)


def falling(count: int = STEPS) -> Tensor:
    """Share of a step, (steps, 1)."""
    clock = 1.0 - torch.exp(-torch.arange(1, count + 1) / MEMORY)
    return torch.sigmoid(-FALL * clock.tanh())[:, None]


def close(found: Tensor, expected: Tensor) -> bool:
    return bool((found - expected).norm() < 0.05 * expected.norm())


@pytest.mark.parametrize("gain", [1.0, 100.0])
def test_enhanced_starts_as_bounded_descent_with_momentum(gain):
    momentum, expected = torch.zeros(1, 50), []
    for gradient in Given().gradients:
        momentum = 0.95 * momentum + 0.9 * gradient
        expected.append((gain * momentum.tanh()).tanh().tanh())
    expected = -0.01 * falling() * torch.cat(expected)
    assert close(steps(begun(L2oEnhanced, gain, scale=0.01)), expected)


@pytest.mark.parametrize("gain", [0.1, 10.0])
def test_rnnprop_starts_as_adam_with_bounded_steps(gain):
    adam = Adam({"rate": 1.0, "beta1": 0.95, "beta2": 0.95})
    step = -0.5 * steps(adam)
    inside = (step.tanh()).tanh()
    expected = -0.01 * (falling() * (gain * inside).tanh().tanh()).tanh()
    found = steps(begun(L2oRnnProp, gain, scale=0.01))
    assert (found - expected).norm() < 0.15 * expected.norm()  # ELU is linear near 0 alone


def test_scale_starts_with_rates_that_fall():
    made = begun(L2oScale, rate=0.01)
    plain = L2oScale({"rate": 0.01}, Generator().manual_seed(0)).requires_grad_(False)
    sizes = [steps(each, MEMORY)[-1].square().mean().sqrt() for each in (made, plain)]
    assert math.log(sizes[1] / sizes[0]) == pytest.approx(FALL, rel=0.3)


def test_what_is_not_read_is_as_it_was_drawn():
    made, drawn = begun(L2oRnnProp), L2oRnnProp({}, Generator().manual_seed(0))
    assert torch.equal(made.projection[2:], drawn.projection[2:])
    assert torch.equal(made.lstm.weight1[2:20], drawn.lstm.weight1[2:20])
    assert made.lstm.weight_out.count_nonzero() == 1


def test_an_optimizer_without_a_start_says_so():
    with pytest.raises(InputError, match=r"start: L2O-DM has none"):
        begun(L2oDm)
