"""Minimax methods: hand-made ones against plain loops, learned ones by contract, the safeguard."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
import torch

from l2o.config.meta_training import MetaTraining
from l2o.evaluation.family import followed
from l2o.evaluation.runs import start_points
from l2o.optimizees.counted import Counted
from l2o.optimizees.minimax import PROBLEMS, Minimax, draw
from l2o.optimizers.anderson import mixed, remembered
from l2o.optimizers.guarded_minimax import ENOUGH, GuardedMinimax
from l2o.optimizers.learned_minimax.l2o_anderson import L2oAnderson
from l2o.optimizers.learned_minimax.twin_l2o import TwinL2o
from l2o.optimizers.minimax.anderson import Anderson
from l2o.optimizers.protocol import Optimizer, iterates
from l2o.optimizers.registry import methods
from l2o.training.meta import MetaTrainer
from l2o.training.state import MetaState

LEARNED = [TwinL2o, L2oAnderson]
each_learned = pytest.mark.parametrize("kind", LEARNED, ids=lambda kind: kind.name)
LAWS = {
    "rotated": {"a": (0.9, 1.0), "b": (0.9, 1.0)},
    "seesaw": {"a": (0.5, 3.0), "b": (0.9, 1.0)},
    "game": {"density": 0.7},
}


def made(problem: str, count: int = 5, n: int = 1, shift: float = 0.5, seed: int = 3) -> Minimax:
    law = {"problem": problem, "shift": shift, **LAWS[problem]}
    arrays = draw(np.random.default_rng(seed), count, 2 * n, law)
    return PROBLEMS[problem](**{name: torch.from_numpy(array) for name, array in arrays.items()})


def start(f: Minimax, scale: float = 0.3) -> torch.Tensor:
    return start_points(0, 1, len(f), f.dimension, scale)[0]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def learned(kind: type, hyper: dict | None = None) -> Optimizer:
    return kind(hyper or {}, generator()).double().requires_grad_(False)


# Hand-made methods, written once more: one instance, numpy, the textbook's order of lines


def gda(F, z, h, steps):
    for _ in range(steps):
        z = z - h * F(z)
        yield z


def alternating(F, z, h, steps):
    n = len(z) // 2
    for _ in range(steps):
        z = z.copy()
        z[:n] -= h * F(z)[:n]
        z[n:] -= h * F(z)[n:]
        yield z


def optimistic(F, z, h, steps):
    last = F(z)
    for _ in range(steps):
        now = F(z)
        z, last = z - 2 * h * now + h * last, now
        yield z


def extragradient(F, z, h, steps):
    for _ in range(steps):
        half = z - h * F(z)
        z = z - h * F(half)
        yield z


def anchored(F, z, h, steps):
    first = z
    for k in range(steps):
        beta = 1 / (k + 2)
        half = z + beta * (first - z) - h * F(z)
        z = z + beta * (first - z) - h * F(half)
        yield z


def halpern(F, z, h, steps):
    first = z
    for k in range(steps):
        half = z - h * F(z)
        z = first / (k + 2) + (1 - 1 / (k + 2)) * (z - h * F(half))
        yield z


RIDGE = 1e-2  # without one, nearly dependent columns would make rounding of the comparison


def anderson(F, z, h, steps):
    """By numpy's least squares, with the ridge as further rows."""
    points, slopes = [], []
    for _ in range(steps):
        points.append(z)
        slopes.append(F(z))
        back = list(range(len(points) - 1, 0, -1))[: len(z)]
        way = change = np.zeros_like(z)
        if back:
            dF = np.stack([slopes[j] - slopes[j - 1] for j in back], axis=1)
            dz = np.stack([points[j] - points[j - 1] for j in back], axis=1)
            rows = np.vstack([dF, math.sqrt(RIDGE) * np.diag(np.linalg.norm(dF, axis=0))])
            right = np.concatenate([slopes[-1], np.zeros(len(back))])
            c = np.linalg.lstsq(rows, right, rcond=None)[0]
            way, change = dz @ c, dF @ c
        z = z - way - h * (slopes[-1] - change)
        yield z


LOOPS = {
    "gda": gda,
    "alternating_gda": alternating,
    "optimistic_gda": optimistic,
    "extragradient": extragradient,
    "anchored_extragradient": anchored,
    "halpern": halpern,
    "anderson": anderson,
}


def operator(f: Minimax, q: int):
    """F of one instance in numpy, by its equations."""
    solution = f.solution[q].numpy()

    def game(z):
        u, v = np.split(z - solution, 2)
        A = f.A[q].numpy()
        return np.concatenate([A @ v, -A.T @ u])

    def seesaw(z):
        x, y = z - solution
        a, b = float(f.a[q, 0]), float(f.b[q, 0])
        by_x = -b * y * a * math.pi * math.cos(a * math.pi * x)
        return np.array([by_x, b * math.sin(a * math.pi * x)])

    return game if hasattr(f, "A") else seesaw


def test_every_hand_made_method_has_a_loop_to_be_held_against():
    assert LOOPS.keys() == methods("minimax").keys()


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize(("problem", "n"), [("game", 3), ("seesaw", 1)])
def test_hand_made_methods_are_those_of_plain_loops(name, problem, n):
    # Mixing leads far off a seesaw, where rounding grows.
    f, steps = made(problem, n=n), 4 if (name, problem) == ("anderson", "seesaw") else 12
    ridge = {"ridge": RIDGE} if name == "anderson" else {}
    optimizer = methods("minimax")[name].load()({"rate": 0.05, **ridge})
    ours = torch.stack([*islice(iterates(optimizer, f, start(f)), steps)])
    for q in range(len(f)):
        theirs = [*LOOPS[name](operator(f, q), start(f)[q].numpy(), 0.05, steps)]
        assert np.allclose(ours[:, q].numpy(), theirs, rtol=1e-7, atol=1e-9)


ALL = [head for kind in ("minimax", "learned_minimax") for head in methods(kind).values()]


@pytest.mark.parametrize("head", ALL, ids=lambda head: head.name)
def test_a_step_asks_for_as_many_gradients_as_the_head_says(head):
    f = made("game", n=2)
    kind = head.load()
    optimizer = kind({}) if head.kind == "minimax" else learned(kind)
    counted = Counted(f)
    state = optimizer.init(counted, start(f))
    assert counted.evaluations().sum() == 0
    for steps in range(1, 5):
        state = optimizer.step(counted, state)
        assert counted.evaluations().tolist() == [steps * head.gradients] * len(f)
        assert state[0].shape == (len(f), 4)


@pytest.mark.parametrize("name", ["optimistic_gda", "extragradient", "anchored_extragradient"])
def test_methods_for_games_solve_games_and_gda_does_not(name):
    f = made("game")
    runs = [
        followed(
            methods("minimax")[method].load()({"rate": 0.4}), f, start(f)[None], [0, 400], f.A.dtype
        )
        for method in (name, "gda")
    ]
    ends = [run.values[-1].max() / run.values[0].max() for run in runs]
    assert ends[0] < 0.05 and ends[1] > 1


# Mixing


def test_mixing_is_least_squares_with_a_ridge_in_units_of_the_changes():
    random = np.random.default_rng(0)
    F, dz, dF = (random.standard_normal(s) for s in ((3, 6), (3, 4, 6), (3, 4, 6)))
    way, change = mixed(*map(torch.from_numpy, (F, dz, dF)), 0.3)
    for q in range(3):
        sizes = np.linalg.norm(dF[q], axis=1)
        rows = np.vstack([(dF[q] / sizes[:, None]).T, math.sqrt(0.3) * np.eye(4)])
        c = np.linalg.lstsq(rows, np.concatenate([F[q], np.zeros(4)]), rcond=None)[0] / sizes
        assert np.allclose(way[q], c @ dz[q]) and np.allclose(change[q], c @ dF[q])


def test_what_has_not_changed_teaches_nothing_and_what_has_diverged_breaks_nothing():
    F, none = torch.ones(2, 3).double(), torch.zeros(2, 2, 3).double()
    way, change = mixed(F, torch.ones_like(none), none, 1e-10)
    assert way.abs().max() == change.abs().max() == 0
    lost = torch.full_like(none, math.inf)
    lost[1] = 1.0
    way, _ = mixed(F, lost, lost, 1e-10)
    assert way[1].isfinite().all()
    alike = torch.ones(1, 2, 3).double() + 1e-14 * torch.arange(6).view(1, 2, 3)
    assert all(part.isfinite().all() for part in mixed(F[:1], alike, alike, 1e-300))
    history = remembered(torch.arange(12.0).view(1, 4, 3), torch.full((1, 3), 9.0))
    assert history[0, :, 0].tolist() == [9, 0, 3, 6]


@pytest.mark.parametrize("kind", [Anderson, L2oAnderson])
def test_mixing_solves_a_game_in_about_as_many_steps_as_it_has_unknowns(kind):
    f = made("game", n=3)
    optimizer = kind({"rate": 0.5}) if kind is Anderson else learned(kind)
    ends = followed(optimizer, f, start(f)[None], [0, 30, 40], torch.float64).values
    assert ends[1].max() < 1e-12
    last = [*islice(iterates(optimizer, f, start(f)), 60)]
    assert torch.equal(last[-1], last[-2])  # what is solved rests


# Learned methods


def test_twin_l2o_moves_by_half_steps_of_two_plain_lstms():
    f, hyper = made("rotated", count=2), {"hidden": 3, "rescale": 0.5}
    twin = learned(TwinL2o, hyper)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def cell(layer, seen, h, c):
        w, r = (p.numpy() for p in (layer.weight_ih, layer.weight_hh))
        i, g_f, g, o = np.split(w @ seen + r @ (0.5 * h), 4)
        c = sigmoid(g_f) * 0.5 * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    ours = torch.stack([*islice(iterates(twin, f, start(f)), 6)])
    for q in range(2):
        a, b, solution = float(f.a[q, 0]), float(f.b[q, 0]), f.solution[q].numpy()
        z = start(f)[q].numpy().copy()
        memory = {player: [np.zeros(3)] * 4 for player in (0, 1)}
        for step in range(6):
            for player, net in enumerate((twin.down, twin.up)):
                u, v = z - solution
                slopes = np.array([2 * a * u + 2 * v, 2 * u - 2 * b * v])
                h1, c1, h2, c2 = memory[player]
                h1, c1 = cell(net.first, slopes if player == 0 else slopes[::-1], h1, c1)
                h2, c2 = cell(net.second, h1, h2, c2)
                memory[player] = [h1, c1, h2, c2]
                z[player] += float(net.out.weight.numpy()[0] @ h2)
            assert np.allclose(ours[step, q].numpy(), z, rtol=1e-9, atol=1e-12)


def test_the_first_half_steps_of_a_warm_up_have_signs_only():
    f = made("game", n=2)
    twin, z = learned(TwinL2o, {"warmup": 4}), start(f)
    moves = torch.stack([z, *islice(iterates(twin, f, z), 4)]).diff(dim=0).abs()
    for step in (0, 1):
        for player in (0, 1):
            size = 1e-4 + (1e-1 - 1e-4) * (2 * step + player) / 4
            move = moves[step].chunk(2, dim=-1)[player]
            assert torch.allclose(move, torch.full_like(move, size))
    assert moves[2].std() > 0 and not torch.allclose(moves[2], moves[2][0, 0])


@each_learned
def test_where_nothing_slopes_nothing_moves(kind):
    f = made("game", n=2)
    last = next(islice(iterates(learned(kind), f, f.solution), 5, None))
    assert torch.equal(last, f.solution)


def test_twin_l2o_learns_from_gains_each_player_from_its_own():
    f = made("seesaw")
    twin = TwinL2o({}, generator()).double()
    state = twin.step(f, twin.init(f, start(f)))
    loss = twin.meta_loss(f, state)
    z, before = state[:2]
    (x, y), (old_x, old_y) = z.detach().chunk(2, dim=-1), before.chunk(2, dim=-1)

    def payoff(*z):
        return f.payoff(torch.cat(z, dim=-1))

    gains = payoff(x, old_y) - payoff(old_x, old_y) + payoff(x, old_y) - payoff(x, y)
    assert loss.item() == pytest.approx(float(gains.mean()), rel=1e-12)
    loss.backward()
    dx = f.partial(torch.cat([x, old_y], dim=-1), 0) / len(f)  # of the loss, by x+: its gain alone
    twin.zero_grad()
    expected = torch.autograd.grad(
        (twin.step(f, twin.init(f, start(f)))[0][:, :1] * dx).sum(), twin.down.out.weight
    )[0]
    again = twin.meta_loss(f, twin.step(f, twin.init(f, start(f))))
    assert torch.allclose(torch.autograd.grad(again, twin.down.out.weight)[0], expected)


def test_a_curriculum_begins_with_what_has_sloped_least():
    f = made("seesaw", count=10)
    twin = TwinL2o({"curriculum": 0.2}, generator()).double()
    state = twin.step(f, twin.init(f, start(f)))
    by_y = f.partial(torch.cat([state[0][:, :1].detach(), state[1][:, 1:]], dim=-1), 1)
    assert torch.allclose(state[3], by_y.square().sum(dim=-1))
    order = state[3].argsort()
    for share, kept in ((0.0, 2), (0.2, 6), (0.4, 10), (1.0, 10)):
        twin.share = share
        rows = order[:kept]
        part = tuple(t[rows] if t.ndim and len(t) == 10 else t for t in state)
        plain = TwinL2o({}, generator()).double().meta_loss(f.batch(rows), part)
        assert twin.meta_loss(f, state).item() == pytest.approx(plain.item())


def trained(kind: type, problem: str, folder, **changes) -> tuple[Optimizer, list[dict]]:
    budget = dict(epochs=12, batch_size=32, unroll=5, horizons=(20,), rate=3e-3, clip=1.0)
    budget |= dict(start_scale=0.3, scaling=0, convex=0, imitation=0, imitation_share=0)
    budget |= dict(validate_every=4, validation_samples=16, validation_steps=20) | changes
    optimizer = kind({}, generator())
    families = [made(problem, 32, seed=s, shift=0.0).to(torch.float32) for s in (1, 2)]
    state = MetaState(folder / "state.safetensors", "key", optimizer)
    MetaTrainer(optimizer, *families, MetaTraining(**budget), 0, state, lambda row: None).run()
    return optimizer.double().requires_grad_(False), state.history


EVOLVED = dict(updates=25, pairs=4, batch_size=32, horizon=8, last=1, sigma=0.1, rate=0.05)
EVOLVED = dict(epochs=1, rate=1e-9, validation_steps=8, evolution=EVOLVED)


@pytest.mark.parametrize(
    ("kind", "problem", "budget", "steps"),
    [
        (TwinL2o, "rotated", {}, 20),
        (TwinL2o, "seesaw", {}, 20),
        (L2oAnderson, "seesaw", EVOLVED, 8),
    ],
)
def test_training_learns(kind, problem, budget, steps, tmp_path):
    optimizer, history = trained(kind, problem, tmp_path, **budget)
    assert all(row["status"] == "ok" for row in history) and optimizer.share == 1.0
    f = made(problem, 40, seed=9, shift=0.0)

    def end(one: Optimizer) -> float:
        values = followed(one, f, start(f)[None], [0, steps], torch.float64).values[-1]
        return float(np.log10(values.clip(1e-30)).mean())

    assert end(optimizer) < end(learned(kind)) - 0.2
    twice, again = trained(kind, problem, tmp_path, **budget)
    for one, other in zip(optimizer.parameters(), twice.parameters(), strict=True):
        assert torch.equal(one, other)
    assert [row["meta_loss"] for row in history] == [row["meta_loss"] for row in again]


@each_learned
def test_instances_do_not_mix_and_every_weight_learns(kind):
    f = made("game", n=2)
    optimizer = learned(kind)
    alone = next(islice(iterates(optimizer, f.batch(torch.tensor([1])), start(f)[1:2]), 9, None))
    together = next(islice(iterates(optimizer, f, start(f)), 9, None))
    assert torch.allclose(together[1:2], alone, rtol=1e-7, atol=1e-9)
    fresh = kind({}, generator())
    with torch.no_grad():
        for weight in fresh.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=generator(1)))
    low, total = f.to(torch.float32), 0.0
    state = fresh.init(low, start(f).float())
    for _ in range(4):
        state = fresh.step(low, state)
        total = total + fresh.meta_loss(low, state)
    total.backward()
    for name, weight in fresh.named_parameters():
        assert torch.isfinite(weight.grad).all() and weight.grad.abs().max() > 0, name


# The safeguard


class Fixed:
    """A learned step that multiplies the way to the solution by a factor."""

    name, label = "fixed", "Fixed"

    def __init__(self, f: Minimax, factor: float) -> None:
        self.f, self.factor = f, factor

    def init(self, optimizee, x):
        return (x,)

    def step(self, optimizee, state):
        return (self.f.solution + self.factor * (state[0] - self.f.solution),)


def test_good_steps_are_taken_and_bad_ones_are_halperns_and_counted():
    f, steps = made("game", n=2), 50
    for factor, safe in ((0.9, 0), (1.5, steps), (math.nan, steps), (0.995, steps)):
        guarded = GuardedMinimax(Fixed(f, factor), 0.3)
        state = guarded.init(f, start(f))
        for _ in range(steps):
            state = guarded.step(f, state)
        assert state[2].flatten().tolist() == [safe] * len(f)
        expected = (
            Fixed(f, factor) if not safe else methods("minimax")["halpern"].load()({"rate": 0.3})
        )
        last = next(islice(iterates(expected, f, start(f)), steps - 1, None))
        assert torch.allclose(state[0], last)
    assert 0.9 < ENOUGH < 0.995


def test_no_learned_optimizer_fails_on_a_game_with_the_safeguard():
    f = made("game", n=2)
    wild = learned(TwinL2o)
    with torch.no_grad():
        wild.down.out.weight.mul_(40.0)
    ends = [
        followed(one, f, start(f)[None], [0, 1000], torch.float64).values[-1].max()
        for one in (wild, GuardedMinimax(wild, 0.3))
    ]
    assert ends[0] > 1 and ends[1] < 0.1
