"""Small networks that see tensors: their inputs, written out; their starts; what they share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from l2o.config.meta_training import AnalyticStart
from l2o.optimizees.network_training import Digits, NetworkTrainingFamily
from l2o.optimizees.networks import ConvNet
from l2o.optimizees.protocol import Scaled
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.celo2_like import Celo2Like, orthogonal
from l2o.optimizers.recurrent.tensorwise import TensorwiseRule, blocks, blocks_of
from l2o.optimizers.registry import methods

SHAPES = ((3, 4), (5,), (2, 3, 2, 1))
SIZES = (12, 5, 12)
STEPS = 4
LOADED = [head.load() for head in methods("recurrent").values()]
RULES = [kind for kind in LOADED if issubclass(kind, TensorwiseRule)]
each_rule = pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.name)


@dataclass
class Given:
    """Drawn gradients, (steps, batch, n), of tensors of these shapes, whatever x is."""

    gradients: Tensor
    shapes: tuple[tuple[int, ...], ...] = SHAPES
    asked: int = field(default=0, init=False)

    def gradient(self, x: Tensor) -> Tensor:
        self.asked += 1
        return self.gradients[self.asked - 1]


def drawn(batch: int = 2, steps: int = STEPS) -> Tensor:
    made = torch.randn(steps, batch, sum(SIZES), generator=Generator().manual_seed(5))
    return 0.1 * made.double()


def rule(kind, **hyper: float) -> TensorwiseRule:
    made = kind(hyper, Generator().manual_seed(0)).double().requires_grad_(False)
    with torch.no_grad():  # so that every bias and the schedule count
        for bias in made.biases:
            bias.uniform_(-1, 1, generator=Generator().manual_seed(1))
        made.pace[:] = torch.tensor([0.03, 0.7])
    return made


def followed(made: TensorwiseRule, given: Tensor, x: Tensor) -> list[Tensor]:
    return list(islice(iterates(made, Given(given), x), len(given)))


def start(batch: int = 2) -> Tensor:
    return torch.randn(batch, sum(SIZES), generator=Generator().manual_seed(6)).double()


# Against NumPy, one instance and one tensor at a time


def reference(made: TensorwiseRule, x: np.ndarray, given: np.ndarray, shape: tuple) -> np.ndarray:
    """The changes of one tensor, (steps, *matrix), its axes after the first one flattened."""
    shape = (shape[0], math.prod(shape[1:])) if len(shape) > 1 else shape
    x, given = x.reshape(shape), given.reshape(-1, *shape)
    weights = [w.numpy() for w in made.weights]
    biases = [b.numpy() for b in made.biases]
    square, found = np.zeros(shape), []
    means = [np.zeros(shape) for _ in made.means]
    lines = [[np.zeros(shape[0]), np.zeros(shape[-1])] for _ in made.factors]
    for t, g in enumerate(given):
        means = [d * m + (1 - d) * g for d, m in zip(made.means, means, strict=True)]
        square = made.squares * square + (1 - made.squares) * g**2
        for decay, line in zip(made.factors, lines, strict=True):
            each = [g**2 + 1e-30] * 2
            if len(shape) > 1:
                each = [(g**2 + 1e-30).mean(axis=1), (g**2 + 1e-30).mean(axis=0)]
            line[:] = [decay * old + (1 - decay) * new for old, new in zip(line, each, strict=True)]
        rows = [*INPUTS[made.name](made, g, x, means, square, [_factor(li, g) for li in lines])]
        for side in (0, 1):
            sizes = [line[side] for line in lines]
            sizes += [1 / np.sqrt(size + 1e-8) for size in sizes]
            across = side == 0 and len(shape) > 1
            rows += [np.broadcast_to(size[:, None] if across else size, shape) for size in sizes]
        rows = [row / np.sqrt((row**2).mean() + made.floor) for row in rows]
        if made.clocks:
            spans = [float(f"{lead}e{power}") for power in range(5) for lead in (1, 3)] + [1e5]
            rows += [np.full(shape, np.tanh(t / span - 1)) for span in spans]
        values = np.stack(rows)
        for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            values = np.maximum(values, 0) if number else values
            values = np.tensordot(weight, values, 1) + bias.reshape(-1, *[1] * len(shape))
        d = DIRECTIONS[made.name](made, values)
        rate = made.hyper["rate"] * math.exp(10 * (0.03 - 0.7 * t / 1000))
        found.append(-rate * d)
        x = x - rate * d
    return np.stack(found)


def _factor(line: list[np.ndarray], g: np.ndarray) -> np.ndarray:
    row, column = line
    if g.ndim == 1:
        return np.maximum(row, 1e-9) ** -0.5
    share = np.maximum(row / (row.mean() + 1e-9), 1e-9)
    return np.outer(share**-0.5, np.maximum(column, 1e-9) ** -0.5)


def _celo2_inputs(made, g, x, means, square, factors):
    inverse = 1 / np.sqrt(square + made.hyper["epsilon"])
    yield from (g, np.clip(g, -0.1, 0.1), x, *means, square, *(m * inverse for m in means), inverse)
    yield from (*(g * f for f in factors), g * inverse)
    yield from (m * f for m, f in zip(means, factors, strict=True))


def _celo2_direction(made, values):
    (d,) = values
    return d / np.sqrt((d**2).mean() + 1e-9)


def _small_inputs(made, g, x, means, square, factors):
    inverse = 1 / np.sqrt(square + made.hyper["epsilon"])
    yield from (g, x, *means, square, *(m * inverse for m in means), inverse)
    yield from (g * f for f in factors)
    yield from (m * f for m, f in zip(means, factors, strict=True))


def _two_outputs(made, values):
    d, m = values
    return d * np.exp(0.001 * m)


INPUTS = {
    "celo2_like": _celo2_inputs,
    "small_fc_lopt": _small_inputs,
    "mlp_optimizer": lambda made, g, x, means, square, factors: (g, x, *means),
}
DIRECTIONS = {
    "celo2_like": _celo2_direction,
    "small_fc_lopt": _two_outputs,
    "mlp_optimizer": _two_outputs,
}


@each_rule
def test_every_step_is_that_of_its_equations(kind):
    plain = {"orthogonal": 0} if "orthogonal" in kind.hyperparameters else {}
    made, given, x = rule(kind, **plain), drawn(), start()
    changes = torch.stack([x, *followed(made, given, x)]).diff(dim=0)
    for run in range(2):
        at = 0
        for shape, size in zip(SHAPES, SIZES, strict=True):
            own = slice(at, at + size)
            arrays = x[run, own].numpy(), given[:, run, own].numpy()
            expected = reference(made, *arrays, shape).reshape(STEPS, -1)
            np.testing.assert_allclose(changes[:, run, own].numpy(), expected, rtol=1e-8)
            at += size


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6)])
def test_newton_and_schulz_bring_singular_values_near_one(shape):
    d = torch.randn(3, *shape, generator=Generator().manual_seed(2), dtype=torch.float64)
    u, _, v = torch.linalg.svd(d, full_matrices=False)
    sizes = torch.linalg.svdvals(orthogonal(d, 8))
    assert ((sizes > 0.6) & (sizes < 1.3)).all()
    close = orthogonal(d, 8) - u @ v
    assert torch.linalg.matrix_norm(close, 2).max() < 0.4


# What all share


@each_rule
def test_runs_and_tensors_do_not_mix(kind):
    made, given, x = rule(kind), drawn(), start()
    together = followed(made, given, x)[-1]
    alone = followed(made, given[:, 1:], x[1:])[-1]
    assert torch.allclose(alone[0], together[1], rtol=1e-10)
    given[:, :, :12] *= 3.0
    others = followed(made, given, x)[-1]
    assert torch.equal(others[:, 12:], together[:, 12:])
    assert not torch.equal(others[:, :12], together[:, :12])


@each_rule
def test_what_is_learned_are_as_many_numbers_as_told_and_two_of_the_schedule(kind):
    counts = {"celo2_like": 329, "small_fc_lopt": 190, "mlp_optimizer": 1762}
    made = rule(kind)
    assert sum(weight.numel() for weight in made.parameters()) == counts[kind.name] + 2


@each_rule
def test_a_start_falls_and_stays_close_to_its_rule(kind):
    made = kind({}, Generator().manual_seed(0)).double().requires_grad_(False)
    noisy = kind({}, Generator().manual_seed(1)).double().requires_grad_(False)
    given, x = drawn(steps=60), start()
    moved = [followed(each, given, x)[-1] - x for each in (made, noisy)]
    assert (moved[0] - moved[1]).norm() < 0.1 * moved[0].norm()
    made.begin(AnalyticStart(memory=100, fall=2.0))
    first, *rest = torch.stack([x, *followed(made, given, x)]).diff(dim=0)
    plain = torch.stack([x, *followed(noisy, given, x)]).diff(dim=0)
    assert torch.allclose(first, plain[0], rtol=0.1, atol=0.1 * float(first.abs().max()))
    ratio = rest[-1].norm() / plain[-1].norm()
    assert float(ratio) == pytest.approx(math.exp(-2.0 * 59 / 100), rel=0.1)


def test_tensors_are_those_of_the_network_also_when_it_is_scaled():
    images = torch.rand(16, 784, generator=Generator().manual_seed(2))
    digits = Digits(images, torch.arange(16) % 10)
    runs = NetworkTrainingFamily(ConvNet(), digits, 2, 5, "train", 8).batch(torch.arange(2))
    x = torch.zeros(2, 14282)
    found = blocks_of(runs, x)
    sizes = [(b.rows, b.columns) for b in found]
    assert sizes == [(16, 9), (16, 1), (32, 400), (32, 1), (10, 128), (10, 1)]
    assert found[0].at.start == 0 and found[-1].at.stop == 14282
    assert blocks_of(Scaled(runs, torch.ones_like(x)), x) == found
    assert blocks_of(object(), x) == blocks(((14282,),))


def test_celo2_takes_steps_of_one_size_in_every_tensor():
    made = Celo2Like({"rate": 0.02}, Generator().manual_seed(0)).double().requires_grad_(False)
    dx = followed(made, drawn(), start())[0] - start()
    for piece in dx.split(SIZES, dim=1):
        size = piece.square().mean(dim=1).sqrt()
        assert torch.allclose(size, torch.full_like(size, 0.02), rtol=1e-6)
