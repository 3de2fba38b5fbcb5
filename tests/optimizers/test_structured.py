"""Learned proximal methods and Safe-L2O: by hand, by contract, and whatever the weights are."""

from __future__ import annotations

import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from l2o.config.meta_training import AnalyticStart, MetaTraining
from l2o.errors import InputError
from l2o.optimizers.classical.coordinate_descent import CoordinateDescent
from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.classical.fista_restart import FistaRestart
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.learned_proximal.learned_km import LearnedKm, within
from l2o.optimizers.learned_proximal.math_l2o import MARGIN, MathL2o
from l2o.optimizers.protocol import iterates
from l2o.optimizers.proximal import on_parts, proximal_gradient
from l2o.optimizers.registry import methods
from l2o.optimizers.safe_l2o import SCHEDULES, SafeL2o
from l2o.optimizers.safeguarded import Safeguarded
from l2o.optimizers.trained import read_checkpoint
from l2o.storage.checkpoints import save_tensors
from l2o.training.meta import MetaTrainer
from l2o.training.state import MetaState
from small_fresh_lasso import LAM, N, drawn, origin

LEARNED = [head.load() for head in methods("learned_proximal").values()]
each = pytest.mark.parametrize("kind", LEARNED, ids=lambda kind: kind.name)
COUNT = 4


def made(kind: type, seed: int = 0, **hyper: float):
    """An optimizer with drawn weights, float64."""
    generator = torch.Generator().manual_seed(seed)
    return kind(hyper, generator).double().requires_grad_(False)


def wild(kind: type, seed: int, size: float = 5.0, **hyper: float):
    """An optimizer with large random weights."""
    optimizer, generator = made(kind, seed, **hyper), torch.Generator().manual_seed(seed)
    for weight in optimizer.parameters():
        weight.copy_(size * torch.randn(weight.shape, generator=generator))
    return optimizer


def run(optimizer, f, steps: int) -> torch.Tensor:
    """The iterates x_1 ... x_steps, (steps, instances, n)."""
    return torch.stack([*islice(iterates(optimizer, f, origin(f)), steps)])


# By hand


def soft(v, threshold):
    return np.sign(v) * np.maximum(np.abs(v) - threshold, 0.0)


def inertial(f, i: int, scale: float, momentum: float, steps: int) -> np.ndarray:
    """z+ = prox(x - g grad s(x)), x+ = z+ + momentum (z+ - z), of one instance."""
    A, b, g = f.A[i].numpy(), f.b[i].numpy(), scale / float(f.lipschitz[i, 0])
    x = z = np.zeros(A.shape[1])
    found = []
    for _ in range(steps):
        new = soft(x - g * A.T @ (A @ x - b), g * LAM)
        x, z = new + momentum * (new - z), new
        found.append(z)
    return np.stack(found)


@pytest.mark.parametrize(("gain", "memory"), [(1.0, 2), (1.0, 20), (1.5, 4)])
def test_math_l2o_begins_as_proximal_gradient_with_momentum(gain, memory):
    f, optimizer = drawn(COUNT), made(MathL2o)
    optimizer.begin(AnalyticStart(gain=gain, memory=memory, fall=0))
    found = run(optimizer, f, 12)
    for i in range(COUNT):
        expected = inertial(f, i, gain * MARGIN, 1 - 2 / memory, 12)
        assert found[:, i].numpy() == pytest.approx(expected, abs=1e-7)  # the start is float32


@pytest.mark.parametrize("memory", [2, 20])
def test_learned_km_begins_as_that_too_as_long_as_nothing_is_cut(memory):
    f, optimizer = drawn(COUNT), made(LearnedKm, radius=1e6)
    optimizer.begin(AnalyticStart(memory=memory, fall=0))
    found = run(optimizer, f, 12)
    for i in range(COUNT):
        expected = inertial(f, i, 1.0, 1 - 2 / memory, 12)
        assert found[:, i].numpy() == pytest.approx(expected, abs=1e-7)


@each
def test_a_start_that_makes_no_sense_is_told(kind):
    with pytest.raises(InputError, match=r"start\.gain: is 2: steps of 2 / L do not converge"):
        made(kind).begin(AnalyticStart(gain=2, memory=2, fall=0))
    with pytest.raises(InputError, match=r"start\.fall: is 1, and the steps"):
        made(kind).begin(AnalyticStart(memory=2, fall=1))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_math_l2o_is_what_its_equations_say():
    """Two steps with drawn weights, written once more in NumPy, coordinate by coordinate."""
    f, optimizer = drawn(2), made(MathL2o, 3, hidden=4)
    weights = {name: value.numpy() for name, value in optimizer.state_dict().items()}
    found = run(optimizer, f, 2)

    def layer(weight, given, h, c):
        i, forget, o, g = np.split(weight @ np.concatenate([given, h, [1.0]]), 4)
        c = sigmoid(forget) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    for instance in range(2):
        A, b = f.A[instance].numpy(), f.b[instance].numpy()
        g = MARGIN / np.linalg.norm(A, 2) ** 2
        x = z = np.zeros(N)
        memory = [[np.zeros(4)] * 4 for _ in range(N)]
        for step in range(2):
            gradient = A.T @ (A @ x - b)
            P, momentum = np.empty(N), np.empty(N)
            for j in range(N):
                h1, c1, h2, c2 = memory[j]
                h1, c1 = layer(weights["lstm.weight1"], [gradient[j], x[j]], h1, c1)
                h2, c2 = layer(weights["lstm.weight2"], h1, h2, c2)
                memory[j] = [h1, c1, h2, c2]
                hidden = weights["linear"] @ h2 + weights["linear_bias"][:, 0]
                heads = weights["heads"] @ np.maximum(hidden, 0) + weights["heads_bias"][:, 0]
                P[j], momentum[j] = 2 * sigmoid(heads)
            new = soft(x - P * g * gradient, P * g * LAM)
            x, z = new + momentum * (new - z), new
            assert found[step, instance].numpy() == pytest.approx(z, abs=1e-12)


def test_classical_methods_are_those_for_one_dictionary():
    """Where all instances have the same A, up to the L of which a thousandth is more there."""
    f = drawn(1)
    A, b = f.A[0], f.b
    for method in (Ista, Fista, FistaRestart):
        alone = method(A, {"lam": LAM})
        alone.lipschitz = float(f.lipschitz[0, 0])
        found = run(on_parts(method, f), f, 30)[:, 0]
        assert torch.allclose(found, torch.stack(alone.run(b, 30))[:, 0], atol=1e-12)
        assert on_parts(method, f).name == method.name
    with pytest.raises(InputError, match="coordinate_descent: needs A itself, and here every"):
        run(on_parts(CoordinateDescent, f), f, 1)


# By contract


@each
def test_samples_do_not_mix_and_float32_is_close(kind):
    f, optimizer = drawn(COUNT), made(kind, 1)
    found = run(optimizer, f, 8)
    alone = run(optimizer, f.batch(torch.tensor([2])), 8)
    assert torch.allclose(found[:, 2], alone[:, 0], atol=1e-12)
    low = run(made(kind, 1).float(), f.to(torch.float32), 8)
    assert torch.allclose(found, low.double(), atol=1e-4)


@each
def test_derivatives_reach_every_weight(kind):
    f, optimizer = drawn(COUNT), made(kind, 2).requires_grad_(True)
    state, total = optimizer.init(f, origin(f)), 0.0
    for _ in range(5):
        state = optimizer.step(f, state)
        total = total + optimizer.meta_loss(f, state)
    total.backward()
    assert {*optimizer.state_dict()} == {name for name, _ in optimizer.named_parameters()}
    for name, weight in optimizer.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name


BUDGET = dict(
    **{"epochs": 15, "batch_size": 16, "unroll": 10, "horizons": [20], "rate": 0.01, "clip": 1.0},
    **{"start_scale": 0, "scaling": 0, "convex": 0, "imitation": 0, "imitation_share": 0},
    **{"validate_every": 5, "validation_samples": 16, "validation_steps": 20},
)


def trained(kind: type, folder: Path, **changes):
    optimizer = kind({"hidden": 6}, torch.Generator().manual_seed(0))
    budget = MetaTraining.model_validate({**BUDGET, **changes})
    if budget.start is not None:
        optimizer.begin(budget.start)
    state = MetaState(folder / "state.safetensors", "key", optimizer)
    families = [drawn(16, seed).to(torch.float32) for seed in (1, 2)]
    MetaTrainer(optimizer, *families, budget, 0, state, lambda row: None).run()
    return optimizer, state.history


@each
def test_a_training_improves_and_is_the_same_twice(kind, tmp_path):
    optimizer, history = trained(kind, tmp_path / "a")
    again, _ = trained(kind, tmp_path / "b")
    for one, other in zip(optimizer.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    losses = [row["meta_loss"] for row in history]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.05
    path, record = tmp_path / "net.safetensors", {"method": kind.name, "setting": "s"}
    record |= {"hyperparameters": optimizer.hyper}
    save_tensors(path, optimizer.state_dict(), record)
    loaded = read_checkpoint(path, "learned_proximal").optimizer().requires_grad_(False)
    f = drawn(2).to(torch.float32)
    assert torch.equal(run(loaded, f, 3), run(optimizer.requires_grad_(False), f, 3))


@each
def test_a_training_ends_no_worse_than_its_start(kind, tmp_path):
    begun = {"memory": 8, "fall": 0}
    short = {"epochs": 1, "horizons": [10], "rate": 0.9, "clip": 100.0}  # it can do but harm
    optimizer, _ = trained(kind, tmp_path, start=begun, **short)
    fresh = kind({"hidden": 6}, torch.Generator().manual_seed(0))
    fresh.begin(AnalyticStart(**begun))
    f = drawn(16, 2).to(torch.float32)
    after, before = (
        float(f.meta_loss(run(o.requires_grad_(False), f, 20)[-1])) for o in (optimizer, fresh)
    )
    assert after <= before + 1e-6


# Whatever the weights are

RADIUS, HORIZON, STEPS = 2.0, 1.0, 300


class Watched(LearnedKm):
    """It notes how long each perturbation is, and how long all may be."""

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self.lengths: list[torch.Tensor] = []

    def step(self, optimizee, state):
        x = state[0] + state[1]
        new, v, done, first, *memory = super().step(optimizee, state)
        relaxed = x + self.hyper["relaxation"] * (new - x)
        self.lengths.append((new + v - relaxed).norm(dim=1))
        self.first = first[:, 0]
        return new, v, done, first, *memory


@pytest.mark.parametrize(("seed", "relaxation"), [(0, 0.7), (1, 1.0), (2, 1.4)])
def test_learned_km_converges_under_large_random_weights(seed, relaxation):
    f = drawn(COUNT)
    optimizer = wild(Watched, seed, relaxation=relaxation, radius=RADIUS, horizon=HORIZON)
    state = optimizer.init(f, origin(f))
    for _ in range(STEPS):
        state = optimizer.step(f, state)
    lengths = torch.stack(optimizer.lengths)
    bound = RADIUS * optimizer.first
    assert (lengths.sum(dim=0) <= bound * (1 + HORIZON)).all()
    places = 1 + torch.arange(len(lengths))[:, None] / HORIZON
    assert (lengths <= bound / places.square() * (1 + 1e-9) + 1e-12).all()
    assert (lengths[:5] > 1e-3).any(dim=0).all()  # they do perturb
    assert (f.relative_loss(state[0]) < 1e-3).all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_learned_km_converges_under_weights_that_are_no_numbers(value):
    f, optimizer = drawn(COUNT), made(LearnedKm)
    optimizer.heads_bias.fill_(value)
    optimizer.heads.fill_(value)
    assert (f.relative_loss(run(optimizer, f, STEPS)[-1]) < 1e-5).all()


def test_math_l2o_makes_no_such_promise():
    f, optimizer = drawn(COUNT), made(MathL2o)
    optimizer.heads.zero_()
    optimizer.heads_bias.fill_(8.0)  # P = A = 2
    assert not (f.relative_loss(run(optimizer, f, 100)[-1]) < 1e-1).any()


def test_what_is_cut_is_as_long_as_its_bound():
    d = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [math.inf, 0.0]], requires_grad=True)
    found = within(d, torch.tensor([[1.0]]).expand(4, 1))
    assert torch.allclose(found[:3], torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))
    assert found[3].tolist() == [0.0, 0.0]
    found[:3].sum().backward()
    assert d.grad[:3].isfinite().all()


# Safe-L2O


class Script:
    """An optimizer that goes to given points in their order, whatever the problem."""

    name = label = "script"

    def __init__(self, points) -> None:
        self.points = points

    def init(self, optimizee, x):
        return x, 0

    def step(self, optimizee, state):
        return self.points[state[1]].clone(), state[1] + 1


def residual(f, x) -> torch.Tensor:
    return (x - proximal_gradient(f, x)).norm(dim=1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_safe_l2o_accepts_by_its_rule(schedule):
    """Three points: one that is good for instance 0 alone, one for none, one for all."""
    f, alpha, theta = drawn(2), 0.9, 0.3
    good = run(on_parts(Fista, f), f, 60)
    first = torch.stack([good[20, 0], 10 * good[20, 1] + 1])
    points = [first, origin(f) + 5, good[59]]
    guarded = SafeL2o(Script(points), schedule, alpha, theta)
    state, mu = guarded.init(f, origin(f)), residual(f, origin(f))
    assert torch.allclose(state[2], mu)
    x = origin(f)
    for point, accepted in zip(points, ([1, 0], [0, 0], [1, 1]), strict=True):
        before = state
        state = guarded.step(f, state)
        x = torch.where(torch.tensor(accepted)[:, None] > 0, point, proximal_gradient(f, x))
        assert torch.allclose(state[0], x, atol=1e-12)
        assert torch.allclose(state[1], proximal_gradient(f, x), atol=1e-12)
        assert (state[3] - before[3]).tolist() == [1 - one for one in accepted]
        S, small = residual(f, x), residual(f, x) <= alpha * mu
        following = {"geometric": theta * mu, "recent": S, "average": theta * S + (1 - theta) * mu}
        mu = torch.where(small, following[schedule], mu)
        assert torch.allclose(state[2], mu)


BAD = {
    "far": lambda f: Script([origin(f) + 10.0 ** min(k, 300) for k in range(STEPS)]),
    "no number": lambda f: Script([origin(f) * math.nan] * STEPS),
    "wild Math-L2O": lambda f: wild(MathL2o, 1),
    "wild learned KM": lambda f: wild(LearnedKm, 1),
    "stands still": lambda f: Script([origin(f)] * STEPS),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("bad", BAD)
def test_under_safe_l2o_every_optimizer_converges(bad, schedule):
    f = drawn(COUNT)
    guarded = SafeL2o(BAD[bad](f), schedule, 0.5, 0.5)
    state = guarded.init(f, origin(f))
    for _ in range(STEPS):
        state = guarded.step(f, state)
    assert (f.relative_loss(state[0]) < 1e-4).all()
    assert (state[3] > 0).all() and (state[3] <= STEPS).all()


def test_under_the_projects_safeguard_they_do_too():
    f = drawn(COUNT)
    guarded = Safeguarded(wild(MathL2o, 1), on_parts(Ista, f))
    assert (f.relative_loss(run(guarded, f, STEPS)[-1]) < 1e-4).all()


@pytest.mark.parametrize("given", [("other", 0.5, 0.5), ("recent", 1.0, 0.5), ("recent", 0.5, 0)])
def test_a_schedule_that_is_none_is_refused(given):
    with pytest.raises(ValueError, match="alpha"):
        SafeL2o(Script([]), *given)
