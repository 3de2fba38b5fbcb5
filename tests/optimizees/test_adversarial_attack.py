"""Perturbations of images: objective, projection, gradient; projected and hand-made attacks."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch.nn import functional

from l2o.optimizees.adversarial_attack import AdversarialAttack, Victim
from l2o.optimizers.projected import Projected
from l2o.optimizers.protocol import iterates
from l2o.optimizers.registry import methods

EPS, COUNT = 0.3, 5


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def f() -> AdversarialAttack:
    images = torch.rand(COUNT, 784, generator=drawn(0)).round(decimals=1)
    labels = torch.randint(0, 10, (COUNT,), generator=drawn(1))
    return AdversarialAttack(images, labels, Victim(drawn(2)).requires_grad_(False), EPS)


@pytest.fixture(scope="module")
def start() -> torch.Tensor:
    return 0.2 * torch.randn(COUNT, 784, generator=drawn(3))


def attack(name: str, **hyper: float) -> Projected:
    return Projected(methods("first_order")[name].load()(hyper))


def run(optimizer: Projected, f: AdversarialAttack, x: torch.Tensor, steps: int) -> torch.Tensor:
    with torch.no_grad():
        return [*islice(iterates(optimizer, f, x), steps)][-1]


def test_the_objective_is_minus_torchs_cross_entropy_also_of_several_points(f, start):
    expected = -functional.cross_entropy(f.victim(f.images + start), f.labels, reduction="none")
    assert torch.allclose(f.objective(start), expected, rtol=1e-5)
    two = torch.stack([start, 0 * start])
    assert torch.allclose(f.objective(two)[0], expected, rtol=1e-5)
    assert torch.equal(f.logits(two)[1], f.victim(f.images))
    assert torch.equal(f.scored(f.logits(two)), f.objective(two))
    assert f.dimension == 784 and len(f.batch(torch.tensor([3, 1]))) == 2
    with pytest.raises(TypeError, match="do not become"):
        f.to(torch.float64)


def test_the_projection_is_onto_the_ball_and_the_box(f, start):
    x = f.project(5 * start)
    assert x.abs().max() <= EPS
    assert (f.images + x).min() >= -1e-7 and (f.images + x).max() <= 1 + 1e-7
    assert torch.equal(f.project(x), x)
    inside = 0.01 * torch.sign(0.5 - f.images)
    assert torch.equal(f.project(inside), inside)
    moved = start.clone().requires_grad_(True)
    (passed,) = torch.autograd.grad(f.project(moved).sum(), moved)
    assert torch.equal(passed == 1, f.project(start) == start)


def test_gradients_are_those_of_finite_differences(f, start):
    f = AdversarialAttack(f.images.double(), f.labels, Victim(drawn(2)).double(), EPS)
    x, way = start.double(), torch.randn(COUNT, 784, generator=drawn(4), dtype=torch.float64)
    slope = (f.objective(x + 1e-6 * way) - f.objective(x - 1e-6 * way)) / 2e-6
    assert torch.allclose((f.gradient(x) * way).sum(-1), slope, rtol=1e-4, atol=1e-6)


def test_fgsm_begins_at_the_image_and_takes_one_step(f, start):
    expected = f.project(-EPS * f.gradient(torch.zeros_like(start)).sign())
    for steps in (1, 3):
        assert torch.equal(run(attack("fgsm"), f, start, steps), expected)


def test_pgd_is_projected_sign_descent_and_falling_steps_fall(f, start):
    x = f.project(start)
    for _ in range(3):
        x = f.project(x - 0.05 * f.gradient(x).sign())
    assert torch.equal(run(attack("pgd", rate=0.05), f, start, 3), x)
    assert torch.equal(run(attack("pgd_falling", rate=0.05, fall=0.0), f, start, 3), x)
    first, second = islice(
        iterates(attack("pgd_falling", rate=0.02, fall=1.0, steps=2), f, 0 * start), 2
    )
    assert (second - first).abs().max() == pytest.approx(0.02 * 2.718281828**-0.5, rel=1e-5)


def test_momentum_sums_gradients_of_norm_one(f, start):
    x, m = f.project(start), torch.zeros_like(start)
    for _ in range(3):
        g = f.gradient(x)
        m = 0.5 * m + g / g.abs().sum(-1, keepdim=True)
        x = f.project(x - 0.05 * m.sign())
    assert torch.equal(run(attack("momentum_pgd", rate=0.05, memory=0.5), f, start, 3), x)


def test_auto_pgd_never_rises_and_halves_its_steps_at_the_ends_of_periods(f, start):
    optimizer = attack("auto_pgd", rate=0.6, steps=40)
    assert optimizer.inner.ends[:7] == [0, 9, 17, 23, 28, 32, 35]  # 0.22, 0.41, 0.57, 0.7, ...
    with torch.no_grad():
        state, values, rates = optimizer.init(f, start), [], []
        for _ in range(40):
            state = optimizer.step(f, state)
            values.append(f.objective(state[0]))
            rates.append(state[5])
    values, rates = torch.stack(values), torch.stack(rates)
    assert (values.diff(dim=0) <= 1e-6).all() and torch.allclose(values[-1], state[1], rtol=1e-5)
    falls = (rates.diff(dim=0) != 0).any(dim=1).nonzero().flatten() + 2
    assert {*falls.tolist()} <= {*optimizer.inner.ends} and len(falls)
    assert ((rates[1:] / rates[:-1] == 1) | (rates[1:] / rates[:-1] == 0.5)).all()


def test_a_projected_learned_attack_shares_weights_and_names(f, start):
    kind = methods("recurrent")["l2o_pgd"].load()
    inner = kind({"steps": 4}, drawn(5))
    outer = Projected(inner)
    assert outer.state_dict().keys() == inner.state_dict().keys()
    outer.share = 0.5
    assert inner.share == 0.5 and outer.hyper == inner.hyper
    state = outer.init(f, start)
    for _ in range(2):
        state = outer.step(f, state)
    f.meta_loss(state[0]).backward()
    assert all(weight.grad.abs().max() > 0 for weight in inner.parameters())
    assert torch.equal(f.project(state[0]), state[0])


def test_a_learned_attack_begins_as_pgd_with_falling_steps(f, start):
    from l2o.config.meta_training import AnalyticStart

    learned = Projected(methods("recurrent")["l2o_pgd"].load()({"rate": 0.1, "steps": 4}, drawn(5)))
    drawn_weights = run(learned, f, start, 4)
    learned.begin(AnalyticStart(memory=4, fall=2.0))
    falling = attack("pgd_falling", rate=0.1, fall=2.0, steps=4)
    assert torch.allclose(run(learned, f, start, 4), run(falling, f, start, 4), atol=1e-6)
    assert not torch.allclose(drawn_weights, run(falling, f, start, 4), atol=1e-3)
