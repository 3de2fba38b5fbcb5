"""L2O-Scale: the paper's equations, written out, and what its hierarchy must not depend on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from l2o.optimizees.counted import Counted
from l2o.optimizees.protocol import Convexified, Scaled
from l2o.optimizers.recurrent.gru import ShiftedGru
from l2o.optimizers.recurrent.l2o_scale import L2oScale
from l2o.optimizers.recurrent.parts import Parts
from small_landscapes import Landscape, draw, generator, reached, run, start, train


def roused(seed: int = 0, **hyper: float) -> L2oScale:
    """An optimizer in float64 whose every weight matters."""
    optimizer = L2oScale(hyper, generator(seed)).double()
    with torch.no_grad():
        for weight in optimizer.parameters():
            weight += 0.3 * torch.randn(weight.shape, generator=generator(9), dtype=weight.dtype)
    return optimizer


@dataclass(frozen=True)
class InParts:
    inner: Landscape
    parts: tuple[int, ...]

    def gradient(self, x: Tensor) -> Tensor:
        return self.inner.gradient(x)


@dataclass
class Watched:
    inner: Landscape
    asked: list[Tensor] = field(default_factory=list)

    def gradient(self, x: Tensor) -> Tensor:
        self.asked.append(x)
        return self.inner.gradient(x)


# The equations


def cell(gru: ShiftedGru, given: Tensor, h: Tensor, context: Tensor | None) -> Tensor:
    """One GRU on vectors, gate by gate."""
    size = gru.hidden
    shift = gru.bias[:, 0] if context is None else gru.bias[:, 0] + gru.weight_context @ context
    a = gru.weight_input @ given + shift
    r = torch.sigmoid(a[:size] + gru.weight_gates[:size] @ h)
    u = torch.sigmoid(a[size : 2 * size] + gru.weight_gates[size:] @ h)
    c = torch.tanh(a[2 * size :] + gru.weight_candidate @ (r * h))
    return u * h + (1 - u) * c


class Plain:
    """The optimizer on one instance, coordinate by coordinate, after the paper's equations."""

    def __init__(self, net: L2oScale, x: Tensor, parts: tuple[int, ...]) -> None:
        self.net, self.x, self.attended, n = net, x, x, len(x)
        self.owner = [p for p, size in enumerate(parts) for _ in range(size)]
        self.g = torch.zeros(n, net.scales, dtype=x.dtype)
        self.square = torch.zeros_like(self.g)
        self.mean_eta = torch.full_like(x, math.log(net.hyper["rate"]))
        self.h = [torch.zeros(10, dtype=x.dtype) for _ in range(n)]
        self.h_part = [torch.zeros(20, dtype=x.dtype) for _ in parts]
        self.h_all, self.begun = torch.zeros(20, dtype=x.dtype), False

    def of(self, part: int) -> list[int]:
        return [i for i, p in enumerate(self.owner) if p == part]

    def step(self, gradient: Tensor) -> None:
        net, n, tiny = self.net, len(self.x), self.net.hyper["epsilon"]
        inputs = []
        for i in range(n):
            logits = net.decays @ self.h[i] + net.decay_logits[:, 0]
            for s in range(net.scales):
                beta, beta_square = torch.sigmoid(logits) ** (2.0**-s) if self.begun else (0, 0)
                g = beta * self.g[i, s] + (1 - beta) * gradient[i]  # eq. (1)
                self.square[i, s] = beta_square * self.square[i, s] + (1 - beta_square) * g**2
                self.g[i, s] = g
            square = self.square[i] + tiny
            m, log = self.g[i] / square.sqrt(), square.log()  # eq. (3)
            eta = (self.mean_eta[i] - self.mean_eta.mean()).view(1)
            inputs.append(torch.cat([m, log - log.mean(), eta]))  # eq. (4), end of 3.2.4
        old_parts, old_all = self.h_part, self.h_all
        self.h = [  # eq. (10)
            cell(net.coordinate, inputs[i], self.h[i], torch.cat([old_parts[p], old_all]))
            for i, p in enumerate(self.owner)
        ]
        self.h_part = [  # eq. (11)
            cell(net.part, torch.stack([self.h[i] for i in self.of(p)]).mean(0), old, old_all)
            for p, old in enumerate(old_parts)
        ]
        self.h_all = cell(net.instance, torch.stack(self.h_part).mean(0), old_all, None)
        change = torch.stack([net.rate_change[0] @ h for h in self.h]) + net.rate_change_bias[0]
        eta = self.mean_eta + net.hyper["rate_gain"] * change  # eq. (7)
        eta = eta.clamp(max=math.log(net.hyper["highest_rate"]))
        momentum = torch.sigmoid(net.rate_momentum)
        self.mean_eta = momentum * self.mean_eta + (1 - momentum) * eta  # eq. (8)
        d = [
            net.direction[0] @ self.h[i] + net.shortcut[0] @ inputs[i][: net.scales]
            for i in range(n)
        ]
        dx = torch.empty_like(self.x)
        for i in range(n):
            mine = torch.stack([d[j] for j in self.of(self.owner[i])])
            dx[i] = eta[i].exp() * d[i] / (mine.square().mean() + tiny).sqrt()  # eq. (5)
        self.attended = self.x + math.exp(net.hyper["look_ahead"]) * dx  # eq. (6)
        self.x, self.begun = self.x + dx, True


@pytest.mark.parametrize("parts", [(5,), (2, 3)], ids=["one part", "two parts"])
@torch.no_grad()
def test_steps_are_those_of_the_equations(parts):
    optimizer, landscape = roused(), draw(1, 2, 5, 1.0, torch.float64)
    optimizee, x = InParts(landscape, parts), start(2, 5, dtype=torch.float64)
    plain = [Plain(optimizer, row, parts) for row in x]
    state = optimizer.init(optimizee, x)
    for _ in range(6):
        state = optimizer.step(optimizee, state)
        gradient = landscape.gradient(torch.stack([one.attended for one in plain]))
        for one, g in zip(plain, gradient, strict=True):
            one.step(g)
        for at, name in ((0, "x"), (1, "attended"), (4, "mean_eta")):
            expected = torch.stack([getattr(one, name) for one in plain])
            assert torch.allclose(state[at], expected, rtol=1e-9, atol=1e-11), name


def test_the_gradient_is_asked_for_ahead_of_the_step():
    watched, x = Watched(draw(1, 3, 4)), start(3, 4)
    optimizer = L2oScale({"look_ahead": math.log(2.0)}, generator())
    state = optimizer.init(watched, x)
    first = optimizer.step(watched, state)
    optimizer.step(watched, first)
    assert torch.equal(watched.asked[0], x)
    assert torch.allclose(watched.asked[1], x + 2.0 * (first[0] - x), atol=1e-6)


def test_an_untrained_optimizer_takes_steps_of_the_rate_and_descends():
    optimizee, x = draw(1, 64, 4), start(64, 4)
    state = run(L2oScale({"rate": 1e-3}, generator()), optimizee, x, 1)
    sizes = (state[0] - x).square().mean(dim=1).sqrt()
    assert torch.allclose(sizes, torch.full((64,), 1e-3), rtol=0.1)
    assert (optimizee.objective(state[0]) < optimizee.objective(x)).float().mean() > 0.95


# What must not matter


@torch.no_grad()
def test_coordinates_of_a_part_have_no_order():
    optimizer, order = roused(), torch.tensor([3, 0, 4, 1, 2])
    landscape, x = draw(1, 3, 5, 1.0, torch.float64), start(3, 5, dtype=torch.float64)
    together = run(optimizer, landscape, x, 8)[0]
    shuffled = run(optimizer, landscape.permuted(order), x[:, order], 8)[0]
    assert torch.allclose(shuffled, together[:, order], rtol=1e-9, atol=1e-11)


@torch.no_grad()
def test_instances_do_not_see_each_other():
    optimizer = roused()
    landscape, x = draw(1, 6, 4, 1.0, torch.float64), start(6, 4, dtype=torch.float64)
    alone = run(optimizer, landscape.rows(slice(2, 3)), x[2:3], 8)[0]
    assert torch.allclose(alone, run(optimizer, landscape, x, 8)[0][2:3], rtol=1e-9, atol=1e-11)


@torch.no_grad()
def test_the_scale_of_the_objective_does_not_matter():
    optimizer = roused()
    landscape, x = draw(1, 3, 4, 1.0, torch.float64), start(3, 4, dtype=torch.float64)
    larger = Landscape(landscape.A, landscape.b, landscape.ripples, factor=1e4)
    ours, theirs = (run(optimizer, given, x, 8)[0] for given in (landscape, larger))
    assert torch.allclose(ours, theirs, rtol=1e-7, atol=1e-9)


@torch.no_grad()
def test_parts_see_their_own_mean_and_each_other_through_the_instance():
    optimizer, x = roused(), start(3, 4, dtype=torch.float64)
    landscape = draw(1, 3, 4, 1.0, torch.float64)
    whole = run(optimizer, InParts(landscape, (4,)), x, 5)[0]
    assert torch.equal(whole, run(optimizer, landscape, x, 5)[0])
    assert not torch.allclose(whole, run(optimizer, InParts(landscape, (2, 2)), x, 5)[0])


@pytest.mark.parametrize("parts", [(2, 3), (4, 0), (3, 2, -1)])
def test_parts_that_do_not_fit_are_refused(parts):
    with pytest.raises(ValueError, match="coordinates"):
        Parts.of(InParts(draw(1, 3, 4), parts), torch.zeros(3, 4))


# Training


@pytest.mark.parametrize("ripples", [0.0, 2.0])
def test_training_beats_the_untrained(ripples):
    optimizer = L2oScale({}, generator())
    before = reached(optimizer, 2, ripples)
    train(optimizer, lambda given, state: given.meta_loss(state[0]), 20, 2, ripples, 5e-3)
    assert reached(optimizer, 2, ripples) < 0.5 * before


def test_a_state_cut_from_the_graph_goes_on_with_the_same_bits():
    optimizer, optimizee, x = L2oScale({}, generator()), draw(1, 3, 4), start(3, 4)
    state = run(optimizer, optimizee, x, 4)
    cut = tuple(tensor.detach() for tensor in state)
    for _ in range(4):
        state, cut = optimizer.step(optimizee, state), optimizer.step(optimizee, cut)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(state, cut, strict=True))
    cut[0].sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in optimizer.parameters())


@pytest.mark.parametrize("drift", [-50.0, 50.0])
@torch.no_grad()
def test_a_rate_that_drifts_keeps_its_bounds(drift):
    optimizer, optimizee = L2oScale({"highest_rate": 0.5}, generator()), draw(1, 3, 4)
    optimizer.rate_change_bias.fill_(drift)
    state = run(optimizer, optimizee, start(3, 4), 300)
    step = (optimizer.step(optimizee, state)[0] - state[0]).square().mean(dim=1).sqrt()
    expected = 0.5 if drift > 0 else 0.0
    assert torch.allclose(step, torch.full((3,), expected), rtol=1e-3, atol=1e-6)


def test_a_vanishing_gradient_has_finite_derivatives():
    optimizer, x = L2oScale({}, generator()), start(2, 3)
    optimizee = Landscape(torch.zeros(2, 3, 3), torch.zeros(2, 3))
    run(optimizer, optimizee, x, 3)[0].sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in optimizer.parameters())


def test_an_optimizee_in_other_units_or_counted_has_the_same_parts():
    inner, x = InParts(draw(1, 2, 5), (2, 3)), start(2, 5)
    wrapped = Counted(Scaled(Convexified(inner, x, 0.1), torch.ones(2, 5)))
    assert Parts.of(wrapped, x).sizes == (2, 3)
    assert Parts.of(Counted(draw(1, 2, 5)), x).sizes == (5,)
