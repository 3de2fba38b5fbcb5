"""Optimizers that see gradients only: hand-made ones against torch, recurrent ones by contract."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import islice

import pytest
import torch

from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.first_order.adam_cosine import AdamCosine
from l2o.optimizers.first_order.adamw import AdamW
from l2o.optimizers.first_order.add_sign import AddSign
from l2o.optimizers.first_order.gd import Gd
from l2o.optimizers.first_order.power_sign import PowerSign
from l2o.optimizers.first_order.rmsprop import RmsProp
from l2o.optimizers.first_order.sgd_nesterov import SgdNesterov
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.coordinatewise import CoordinatewiseOptimizer
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.optimizers.recurrent.l2o_rnnprop import L2oRnnProp
from l2o.optimizers.recurrent.lstm import CoordinateLstm
from l2o.optimizers.registry import methods

HAND_MADE = [(Gd, torch.optim.SGD), (Adam, torch.optim.Adam), (RmsProp, torch.optim.RMSprop)]
SCHEDULED = [
    (SgdNesterov, {"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (AdamCosine, {}, torch.optim.Adam, {}),
    (AdamW, {"weight_decay": 0.3}, torch.optim.AdamW, {"weight_decay": 0.3}),
]
RECURRENT = [head.load() for head in methods("recurrent").values()]
COORDINATEWISE = [kind for kind in RECURRENT if issubclass(kind, CoordinatewiseOptimizer)]
# Untrained L2O-Scale is momentum with a fair rate; there is more to learn from a poor one.
POOR_START = {"l2o_scale": {"rate": 0.01, "rate_gain": 1.0}}
each_recurrent = pytest.mark.parametrize("kind", RECURRENT, ids=lambda kind: kind.name)
each_coordinatewise = pytest.mark.parametrize("kind", COORDINATEWISE, ids=lambda kind: kind.name)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def quadratic(x: torch.Tensor) -> torch.Tensor:
    weights = torch.linspace(0.1, 3.0, x.shape[-1], dtype=x.dtype)
    return (weights * x.square()).sum(dim=-1)


class Quadratic:
    """A batch of the same quadratic, of any size."""

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        return quadratic(x)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        return gradient(x)


@dataclass
class Given:
    """Gradients in the order given, whatever x is; every point of an instance gets the same."""

    gradients: torch.Tensor
    asked: int = field(default=0, init=False)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        return self.gradients[self.asked - 1].view(-1, x.shape[-1]).expand_as(x)

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        return x.new_zeros(x.shape[:-1])


def gradient(x: torch.Tensor) -> torch.Tensor:
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(quadratic(x).sum(), x)[0]


@pytest.mark.parametrize(("ours", "torchs"), HAND_MADE, ids=lambda kind: kind.__name__)
def test_hand_made_optimizers_are_those_of_torch(ours, torchs):
    start = torch.randn(3, 7, generator=generator(), dtype=torch.float64)
    optimizer = ours({"rate": 0.05})
    other = start.clone().requires_grad_(True)
    reference = torchs([other], lr=0.05)
    for x in islice(iterates(optimizer, Quadratic(), start), 50):
        other.grad = gradient(other)
        reference.step()
        assert torch.allclose(x, other.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("ours", "hyper", "torchs", "given"), SCHEDULED, ids=[ours.name for ours, *_ in SCHEDULED]
)
def test_optimizers_with_a_cosine_are_those_of_torch_with_its_scheduler(ours, hyper, torchs, given):
    start, steps = torch.randn(3, 7, generator=generator(), dtype=torch.float64), 60
    optimizer = ours({"rate": 0.05, "steps": steps} | hyper)
    other = start.clone().requires_grad_(True)
    reference = torchs([other], lr=0.05, **given)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(reference, T_max=steps)
    moved, ours_at = [], iterates(optimizer, Quadratic(), start)
    for x in islice(ours_at, steps):
        before, other.grad = other.detach().clone(), gradient(other)
        reference.step()
        schedule.step()
        assert torch.allclose(x, other.detach(), rtol=1e-11, atol=1e-13)
        moved.append(float((x - before).norm()))
    assert moved[0] > 100 * moved[-1] > 0
    assert torch.equal(next(ours_at), x)  # the schedule is over


FADES = {
    0: lambda t: 1.0,
    1: lambda t: 1.0 - t / 30,
    2: lambda t: 0.5 * (1.0 + math.cos(math.pi * t / 30)),
}


@pytest.mark.parametrize("schedule", FADES)
@pytest.mark.parametrize("kind", [PowerSign, AddSign], ids=lambda kind: kind.name)
def test_sign_rules_are_those_of_the_paper_number_by_number(kind, schedule):
    """Against plain floats; gradients of both signs, and 0, whose sign is 0."""
    given = torch.randn(40, 1, 5, generator=generator(), dtype=torch.float64)
    given[7, 0, 2] = 0.0
    made = kind({"rate": 0.2, "schedule": schedule, "steps": 30})
    found = torch.cat([*islice(iterates(made, Given(given), torch.zeros(1, 5).double()), 40)])
    for i in range(5):
        x, m = 0.0, 0.0
        for t in range(40):
            g = float(given[t, 0, i])
            m = 0.9 * m + 0.1 * g
            fade = FADES[schedule](t) if t < 30 or schedule == 0 else 0.0
            s = fade * ((g > 0) - (g < 0)) * ((m > 0) - (m < 0))
            x -= 0.2 * g * (math.e**s if kind is PowerSign else 1.0 + s)
            assert float(found[t, i]) == pytest.approx(x, rel=1e-12)


# The LSTM


def reference_cells(lstm: CoordinateLstm, features: int) -> list[torch.nn.LSTMCell]:
    """Torch's cells with the same weights; torch orders the gates i, f, g, o."""
    hidden, cells = lstm.hidden, []
    for weight, size in ((lstm.weight1, features), (lstm.weight2, hidden)):
        i, f, o, g = weight.detach().split(hidden)
        ordered = torch.cat([i, f, g, o])
        cell = torch.nn.LSTMCell(size, hidden, dtype=weight.dtype)
        with torch.no_grad():
            cell.weight_ih.copy_(ordered[:, :size])
            cell.weight_hh.copy_(ordered[:, size:-1])
            cell.bias_ih.copy_(ordered[:, -1])
            cell.bias_hh.zero_()
        cells.append(cell)
    return cells


def drawn_lstm(features: int, hidden: int) -> CoordinateLstm:
    """An LSTM in double precision with biases that are not 0."""
    lstm = CoordinateLstm(features, hidden).double()
    lstm.reset(generator())
    with torch.no_grad():
        for bias in (lstm.weight1[:, -1], lstm.weight2[:, -1], lstm.bias_out):
            bias.uniform_(-1, 1, generator=generator(1))
    return lstm


def test_the_lstm_is_torchs_with_its_gradients():
    lstm = drawn_lstm(3, 5)
    cells, linear = reference_cells(lstm, 3), torch.nn.Linear(5, 1).double()
    with torch.no_grad():
        linear.weight.copy_(lstm.weight_out)
        linear.bias.copy_(lstm.bias_out[0])
    state, other_state = lstm.init(11, lstm.weight1), [torch.zeros(11, 5).double()] * 4
    for unroll in range(3):  # of which the later ones use the memory of the first
        features = torch.randn(6, 3, 11, generator=generator(2 + unroll), dtype=torch.float64)
        features.requires_grad_(True)
        other = features.detach().clone().requires_grad_(True)
        state = tuple(tensor.detach() for tensor in state)
        h1, c1, h2, c2 = (tensor.detach() for tensor in other_state)
        outputs, expected = [], []
        for t in range(6):
            output, state = lstm(features[t], state)
            outputs.append(output)
            h1, c1 = cells[0](other[t].T, (h1, c1))
            h2, c2 = cells[1](h1, (h2, c2))
            expected.append(linear(h2).T)
        other_state = h1, c1, h2, c2
        for tensors in zip(
            [*outputs, *state], [*expected, *(x.T for x in other_state)], strict=True
        ):
            assert torch.allclose(*tensors, rtol=1e-12, atol=1e-14)
        # The states are in the losses as well: their gradients meet those of later steps.
        (torch.stack([*outputs]).square().sum() + sum(x.square().sum() for x in state)).backward()
        loss = torch.stack(expected).square().sum()
        (loss + sum(x.square().sum() for x in other_state)).backward()
        assert torch.allclose(features.grad, other.grad, rtol=1e-10, atol=1e-13)
    for weight, cell in ((lstm.weight1, cells[0]), (lstm.weight2, cells[1])):
        ih, hh, bias, _ = (weight.grad for weight in cell.parameters())
        i, f, g, o = torch.cat([ih, hh, bias[:, None]], dim=1).split(5)
        assert torch.allclose(weight.grad, torch.cat([i, f, o, g]), rtol=1e-10, atol=1e-13)
    assert torch.allclose(lstm.weight_out.grad, linear.weight.grad, rtol=1e-10, atol=1e-13)
    assert torch.allclose(lstm.bias_out.grad[0], linear.bias.grad, rtol=1e-10, atol=1e-13)


def test_the_lstm_has_the_derivatives_of_finite_differences():
    lstm = drawn_lstm(2, 3)
    names = [name for name, _ in lstm.named_parameters()]

    def run(features, h1, c1, h2, c2, *weights):
        state, outputs = (h1, c1, h2, c2), []
        parameters = dict(zip(names, weights, strict=True))
        for _ in range(2):
            output, state = torch.func.functional_call(lstm, parameters, (features, state))
            outputs.append(output)
        return *outputs, *state

    shapes = [(2, 4), *[(3, 4)] * 4]
    given = [torch.randn(s, generator=generator(5), dtype=torch.float64) for s in shapes]
    given += [weight.detach().clone() for weight in lstm.parameters()]
    # Not by gradcheck: it goes back through one graph many times, which a step does not allow.
    fresh = [tensor.requires_grad_(True) for tensor in given]
    mixed = [torch.randn(x.shape, generator=generator(6)).double() for x in run(*given)]

    def value(tensors) -> torch.Tensor:
        return sum((x * y).sum() for x, y in zip(run(*tensors), mixed, strict=True))

    for tensor, gradient in zip(fresh, torch.autograd.grad(value(fresh), fresh), strict=True):
        direction = torch.randn(tensor.shape, generator=generator(7), dtype=torch.float64)
        with torch.no_grad():
            ends = []
            for sign in (1e-6, -1e-6):
                tensor.add_(direction, alpha=sign)
                ends.append(value(fresh))
                tensor.sub_(direction, alpha=sign)
        expected = (ends[0] - ends[1]) / 2e-6
        assert torch.allclose((gradient * direction).sum(), expected, rtol=1e-6, atol=1e-8)


def test_the_memory_of_the_lstm_serves_every_unroll_and_changes_nothing():
    lstm = drawn_lstm(2, 3)

    def unroll(columns: int) -> torch.Tensor:
        features = torch.randn(2, columns, generator=generator(3), dtype=torch.float64)
        state, total = lstm.init(columns, features), 0.0
        for _ in range(4):
            output, state = lstm(features, state)
            total = total + output.square().sum()
        return total

    def gradients(columns: int) -> list[torch.Tensor]:
        return torch.autograd.grad(unroll(columns), list(lstm.parameters()))

    def memory() -> set[int]:
        return {layer.inputs.data_ptr() for spare in lstm.spare for layer in spare}

    first = gradients(7)
    with torch.no_grad():
        value = unroll(7)
    assert torch.equal(value, unroll(7).detach())  # whose graph is dropped with its memory
    gradients(9)
    again = gradients(7)
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    before = memory()
    gradients(7)
    assert memory() == before and len(before) == 2 * 4
    loss = unroll(7)
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="serves another"):
        loss.backward()


# Recurrent optimizers


def unroll(optimizer, steps: int, start: torch.Tensor) -> list[torch.Tensor]:
    return list(islice(iterates(optimizer, Quadratic(), start), steps))


@each_recurrent
def test_every_weight_gets_a_finite_gradient(kind):
    optimizer = kind({}, generator())
    start = torch.randn(4, 6, generator=generator(1))
    loss = sum(quadratic(x).mean() for x in unroll(optimizer, 5, start))
    loss.backward()
    for name, weight in optimizer.named_parameters():
        assert torch.isfinite(weight.grad).all() and weight.grad.abs().max() > 0, name


@each_coordinatewise
def test_coordinates_share_the_net_and_nothing_else(kind):
    optimizer = kind({}, generator())
    start = torch.randn(4, 6, generator=generator(1))
    order = torch.randperm(24, generator=generator(2))
    flat = start.view(1, 24)
    grads = torch.randn(10, 24, generator=generator(3))

    def run(x: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        *_, last = islice(iterates(optimizer, Given(given), x), len(given))
        return last.detach()

    together = run(start, grads).view(1, 24)
    assert torch.allclose(run(flat, grads), together, rtol=1e-5, atol=1e-6)
    shuffled = run(flat[:, order], grads[:, order])
    assert torch.allclose(shuffled, together[:, order], rtol=1e-5, atol=1e-6)


@each_recurrent
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(kind):
    start = torch.randn(2, 3, generator=generator(1))
    runs = [unroll(kind({}, generator(seed)), 8, start)[-1] for seed in (0, 0, 1)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


@each_recurrent
def test_a_reloaded_optimizer_goes_on_bit_by_bit(kind):
    first, second = kind({}, generator(0)), kind({}, generator(1))
    second.load_state_dict(first.state_dict())
    start = torch.randn(2, 3, generator=generator(1))
    assert torch.equal(unroll(first, 8, start)[-1], unroll(second, 8, start)[-1])


@each_recurrent
def test_no_derivative_runs_through_the_gradient_of_the_optimizee(kind):
    optimizer = kind({}, generator())
    start = torch.randn(2, 3, generator=generator(1))
    given = torch.randn(2, 3, generator=generator(2), requires_grad=True)
    x = next(iterates(optimizer, Given(given[None]), start))
    assert torch.autograd.grad(x.sum(), given, allow_unused=True) == (None,)


@each_recurrent
def test_training_improves_on_the_untrained(kind):
    optimizer = kind(POOR_START.get(kind.name, {}), generator())
    adam = torch.optim.Adam(optimizer.parameters(), lr=5e-3)
    start = torch.randn(16, 6, generator=generator(1))

    def loss() -> torch.Tensor:
        return sum(quadratic(x).mean() for x in unroll(optimizer, 10, start))

    before = loss().item()
    for _ in range(60):
        adam.zero_grad()
        value = loss()
        value.backward()
        adam.step()
    assert loss().item() < 0.7 * before


def test_the_features_of_l2o_dm_are_those_of_the_paper():
    optimizer = L2oDm({}, generator())
    g = torch.tensor([[1.0, -math.exp(-5.0), 0.0, math.exp(-11.0), -math.exp(-10.0)]])
    rows, _ = optimizer.inputs(g, ())
    expected = torch.tensor([[0.0, -0.5, -1.0, -1.0, -1.0], [1.0, -1.0, 0.0, math.exp(-1.0), -1.0]])
    assert torch.allclose(rows, expected, atol=1e-5)


def test_rnnprop_sees_no_scale_of_the_gradient():
    optimizer = L2oRnnProp({}, generator()).double()
    given = torch.randn(20, 1, 5, generator=generator(1), dtype=torch.float64)

    def run(scale: float) -> torch.Tensor:
        start = torch.zeros(1, 5, dtype=torch.float64)
        *_, last = islice(iterates(optimizer, Given(scale * given), start), len(given))
        return last.detach()

    assert torch.allclose(run(1.0), run(1e4), rtol=1e-5, atol=1e-7)
