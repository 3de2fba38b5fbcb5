"""L2O-Swarm: its attentions, its posterior, and what a swarm must not depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from l2o.optimizees.repeated import Repeated
from l2o.optimizers.recurrent.l2o_swarm import L2oSwarm
from l2o.optimizers.recurrent.posterior import posterior_entropy
from small_landscapes import Landscape, draw, generator, reached, run, start, train

BEST, MOVED, BEFORE, VALUES, OWN, LOWEST = range(6)


def swarm(seed: int = 0, **hyper: float) -> L2oSwarm:
    return L2oSwarm(hyper, generator(seed)).double()


def case(batch: int = 3, n: int = 5) -> tuple[Landscape, Tensor]:
    return draw(1, batch, n, 2.0, torch.float64), start(batch, n, dtype=torch.float64)


# The particles


def test_the_start_is_the_first_particle_and_the_others_are_the_same_in_every_call():
    optimizer, (landscape, x) = swarm(spread=2.0), case()
    state, again = (optimizer.init(landscape, x) for _ in range(2))
    particles = state[MOVED].view(3, 4, 5)
    assert torch.equal(state[BEST], x) and torch.equal(particles[:, 0], x)
    assert torch.equal(state[MOVED], again[MOVED])
    offsets = particles - x[:, None]
    assert torch.allclose(offsets, offsets[:1].expand_as(offsets))
    narrow = swarm(spread=1.0).init(landscape, x)[MOVED].view(3, 4, 5) - x[:, None]
    assert torch.allclose(offsets, 2.0 * narrow)


@torch.no_grad()
def test_the_iterate_is_the_best_position_so_far():
    optimizer, (landscape, x) = swarm(scale=0.5), case(8)
    state, swarmed = optimizer.init(landscape, x), Repeated(landscape, 4)
    seen = [swarmed.objective(state[MOVED])]
    for _ in range(30):
        state = optimizer.step(landscape, state)
        seen.append(swarmed.objective(state[MOVED]))
        lowest = torch.stack(seen).min(dim=0).values
        assert torch.allclose(state[VALUES], seen[-1]) and torch.allclose(state[LOWEST], lowest)
        assert torch.allclose(swarmed.objective(state[OWN]), lowest)
        best = lowest.view(8, 4).min(dim=1).values
        assert torch.allclose(landscape.objective(state[BEST]), best)


@torch.no_grad()
def test_particles_have_no_order():
    optimizer, (landscape, x) = swarm(), case()
    order = torch.tensor([2, 0, 3, 1])
    state = run(optimizer, landscape, x, 3)

    def reordered(tensor: Tensor) -> Tensor:
        if tensor.ndim and len(tensor) == 12:  # a row for each particle
            return tensor.view(3, 4, -1)[:, order].reshape(tensor.shape)
        if tensor.ndim and len(tensor) == 20:  # a column for each coordinate
            return tensor.view(20, 3, 4, -1)[:, :, order].reshape(tensor.shape)
        return tensor

    other = tuple(reordered(tensor) for tensor in state)
    for _ in range(5):
        state, other = optimizer.step(landscape, state), optimizer.step(landscape, other)
    for ours, theirs in zip(state, other, strict=True):
        assert torch.allclose(reordered(ours), theirs, rtol=1e-9, atol=1e-11)
    assert torch.allclose(
        optimizer.meta_loss(landscape, state), optimizer.meta_loss(landscape, other)
    )


@torch.no_grad()
def test_coordinates_have_no_order():
    optimizer, (landscape, x) = swarm(), case()
    order = torch.tensor([3, 0, 4, 1, 2])
    state = run(optimizer, landscape, x, 2)

    def reordered(tensor: Tensor) -> Tensor:
        if tensor.ndim == 2:
            return tensor.view(len(tensor), -1, 5)[:, :, order].reshape(tensor.shape)
        return tensor

    other = tuple(reordered(tensor) for tensor in state)
    for _ in range(5):
        state = optimizer.step(landscape, state)
        other = optimizer.step(landscape.permuted(order), other)
    assert torch.allclose(reordered(state[MOVED]), other[MOVED], rtol=1e-9, atol=1e-11)


@torch.no_grad()
def test_instances_do_not_see_each_other():
    optimizer, (landscape, x) = swarm(), case(6)
    alone = run(optimizer, landscape.rows(slice(2, 3)), x[2:3], 6)
    together = run(optimizer, landscape, x, 6)
    assert torch.allclose(alone[BEST], together[BEST][2:3], rtol=1e-9, atol=1e-11)
    assert torch.allclose(alone[MOVED], together[MOVED][8:12], rtol=1e-9, atol=1e-11)


@torch.no_grad()
def test_the_scale_of_the_objective_does_not_matter():
    optimizer, (landscape, x) = swarm(), case()
    larger = Landscape(landscape.A, landscape.b, landscape.ripples, factor=1e4)
    ours, theirs = (run(optimizer, given, x, 8)[MOVED] for given in (landscape, larger))
    assert torch.allclose(ours, theirs, rtol=1e-6, atol=1e-8)


@torch.no_grad()
def test_one_particle_is_an_optimizer_alone():
    optimizer, (landscape, x) = swarm(particles=1), case()
    state = run(optimizer, landscape, x, 5)
    assert state[MOVED].shape == x.shape and not torch.equal(state[MOVED], x)
    one = torch.zeros(3, 1, 1, dtype=torch.float64)
    assert torch.equal(optimizer.attraction(one, state[VALUES].view(3, 1)), one)
    assert torch.equal(optimizer.exchange(x[:, None], one), torch.ones_like(one))
    assert torch.isfinite(optimizer.meta_loss(landscape, state))


@torch.no_grad()
def test_the_number_of_particles_may_change_after_training():
    small, large = swarm(particles=2), swarm(1, particles=6)
    large.load_state_dict(small.state_dict())
    landscape, x = case()
    few, many = run(small, landscape, x, 1), run(large, landscape, x, 1)
    assert few[MOVED].shape == (6, 5) and many[MOVED].shape == (18, 5)


# The attentions


def test_particles_are_attracted_to_better_ones_only():
    values = torch.tensor([[3.0, 1.0, 2.0, 1.0]])
    near = torch.log(torch.rand(1, 4, 4, generator=generator(1)))
    weights = L2oSwarm.attraction(near, values)[0]
    for i, row in enumerate(weights):
        better = [j for j in range(4) if values[0, j] < values[0, i]]
        expected = torch.zeros(4)
        if better:
            expected[better] = near[0, i, better].exp() / near[0, i, better].exp().sum()
        assert torch.allclose(row, expected)


@torch.no_grad()
def test_all_features_point_away_from_where_it_is_better():
    optimizer = swarm()
    bowl = Landscape(torch.eye(5)[None].double(), torch.zeros(1, 5).double(), 0.0)
    x = torch.tensor([[1.0], [2.0], [3.0], [4.0]], dtype=torch.float64).expand(4, 5)
    many = Repeated(bowl, 4)
    (gradient, velocity, attraction), _ = optimizer.seen(many, x, many.objective(x), x - 0.5)
    assert (gradient > 0).all() and torch.allclose(velocity, torch.full_like(x, 0.5))
    assert (attraction[1:] > 0).all() and (attraction[0] == 0).all()
    second = x[1] - x[0]  # the second best sees the best alone
    assert torch.allclose(attraction[1], second)


def test_attention_weights_sum_to_one():
    optimizer = swarm()
    features = torch.randn(4, 12, 5, generator=generator(1), dtype=torch.float64)
    h = torch.randn(20, 60, generator=generator(2), dtype=torch.float64)
    focus = optimizer.focus(features, h)
    assert focus.shape == (4, 12) and (focus > 0).all()
    assert torch.allclose(focus.sum(dim=0), torch.ones(12, dtype=torch.float64))
    attended = features[0].view(3, 4, 5)
    exchange = optimizer.exchange(attended, -torch.rand(3, 4, 4, dtype=torch.float64))
    assert exchange.shape == (3, 4, 4) and (exchange > 0).all()
    assert torch.allclose(exchange.sum(dim=2), torch.ones(3, 4, dtype=torch.float64))


def test_attention_to_features_is_the_formula_and_heeds_the_hidden_state():
    optimizer = swarm()
    features = torch.randn(4, 2, 5, generator=generator(1), dtype=torch.float64)
    h = torch.randn(20, 10, generator=generator(2), dtype=torch.float64)
    weights = {name: w.detach().numpy() for name, w in optimizer.named_parameters()}
    for particle in range(2):
        known = weights["attend_hidden"] @ h.numpy()[:, 5 * particle : 5 * particle + 5].mean(1)
        scores = []
        for r in range(4):
            size = np.sqrt((features[r, particle].numpy() ** 2).mean())
            bias = weights["attend_feature"][:, r, 0]
            units = np.tanh(weights["attend_size"][:, 0, 0] * size + known + bias)
            scores.append(weights["attend_out"] @ units)
        expected = np.exp(scores) / np.exp(scores).sum()
        assert np.allclose(optimizer.focus(features, h)[:, particle].detach(), expected)
    assert not torch.allclose(optimizer.focus(features, h), optimizer.focus(features, 2.0 * h))


# The meta-loss


def plain_entropy(points, values, length: float, noise: float, sharpness: float) -> float:
    """The entropy of one instance, loop by loop."""
    count, n = points.shape
    z = (values - values.mean()) / values.std()
    kernel = np.empty((count, count))
    for i in range(count):
        for j in range(count):
            distance = sum((points[i, c] - points[j, c]) ** 2 for c in range(n))
            kernel[i, j] = math.exp(-distance / (2.0 * n * length**2))
    smooth = kernel @ np.linalg.inv(kernel + noise * np.eye(count)) @ z
    entropy = math.log(count)
    for _ in range(2):
        p = np.exp(-sharpness * math.exp(count ** (1 / n) / max(entropy, 0.5)) * smooth)
        p /= p.sum()
        entropy = -sum(each * math.log(each) for each in p)
    return entropy


def test_the_entropy_is_that_of_the_formula():
    points = torch.randn(5, 8, 3, generator=generator(1), dtype=torch.float64)
    values = torch.randn(5, 8, generator=generator(2), dtype=torch.float64)
    settings = 0.7, 0.5, 3.0
    entropy = posterior_entropy(points, values, *settings)
    expected = [
        plain_entropy(p.numpy(), f.numpy(), *settings) for p, f in zip(points, values, strict=True)
    ]
    assert np.allclose(entropy, expected, rtol=1e-10)


def test_equal_values_leave_everything_open_and_one_low_value_leaves_little():
    points = 10.0 * torch.randn(1, 8, 3, generator=generator(1))
    points.requires_grad_(True)
    values = torch.full((1, 8), 2.0, requires_grad=True)
    entropy = posterior_entropy(points, values, 1.0, 0.1, 10.0)
    assert torch.allclose(entropy, torch.tensor(math.log(8.0)))
    entropy.sum().backward()
    assert torch.isfinite(values.grad).all() and torch.isfinite(points.grad).all()
    low = torch.tensor([[0.0] + 7 * [2.0]])
    assert posterior_entropy(points, low, 1.0, 0.1, 10.0) < 0.1


def test_the_meta_loss_is_that_of_all_particles_plus_the_weighted_entropy():
    optimizer, (landscape, x) = swarm(entropy=0.5), case()
    state = run(optimizer, landscape, x, 3)
    points = torch.cat([state[BEFORE].view(3, 4, 5), state[MOVED].view(3, 4, 5)], dim=1).detach()
    losses, entropies = [], []
    for i in range(3):
        one = Repeated(landscape.rows(slice(i, i + 1)), 8)
        values = one.objective(points[i]).numpy()
        losses.append(values[4:].mean())
        entropies.append(plain_entropy(points[i].numpy(), values, 1.0, 2.1, 1.0))
    expected = np.mean(losses) + 0.5 * np.mean(entropies)
    assert np.isclose(optimizer.meta_loss(landscape, state).item(), expected)


def test_the_meta_loss_reaches_every_weight():
    optimizer, (landscape, x) = swarm(), case()
    state, loss = optimizer.init(landscape, x), 0.0
    for _ in range(4):
        state = optimizer.step(landscape, state)
        loss = loss + optimizer.meta_loss(landscape, state)
    loss.backward()
    for name, weight in optimizer.named_parameters():
        assert torch.isfinite(weight.grad).all() and weight.grad.abs().max() > 0, name


def test_a_state_cut_from_the_graph_goes_on_with_the_same_bits():
    optimizer, (landscape, x) = swarm(), case()
    state = run(optimizer, landscape, x, 4)
    cut = tuple(tensor.detach() for tensor in state)
    for _ in range(4):
        state, cut = optimizer.step(landscape, state), optimizer.step(landscape, cut)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(state, cut, strict=True))
    optimizer.meta_loss(landscape, cut).backward()


@pytest.mark.parametrize("particles", [1, 4])
def test_training_beats_the_untrained_on_a_rippled_landscape(particles):
    optimizer = L2oSwarm({"particles": particles}, generator())
    before = reached(optimizer, 2, 5.0)
    train(optimizer, optimizer.meta_loss, 25, 2, 5.0)
    assert reached(optimizer, 2, 5.0) < 0.8 * before


@torch.no_grad()
def test_a_larger_swarm_finds_lower_valleys():
    alone, many = (reached(L2oSwarm({"particles": k}, generator()), 2, 5.0) for k in (1, 8))
    assert many < alone
