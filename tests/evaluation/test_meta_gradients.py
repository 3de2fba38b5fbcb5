"""Bias and variance of meta-gradients: many runs at once are single ones, and known answers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from l2o.evaluation import batched_episodes, meta_gradients
from l2o.evaluation.meta_gradients import (
    Plan,
    Target,
    begun,
    estimated,
    measured,
    orthogonal,
    reference,
    row_of,
    truncations,
)
from l2o.optimizees.network_training import Minibatch, NetworkTrainingFamily
from l2o.optimizees.pooled_digits import PooledDigits, sigmoid_network
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.training.episodes import ModuleEpisode
from l2o.training.estimators import KINDS

NAMES = [*KINDS]
PLAN = Plan((2, 3), 6, 0.05, 2, 3, 3, 1, "drawn")


@pytest.fixture(scope="module")
def optimizer() -> L2oDm:
    return L2oDm({"hidden": 2}, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def family() -> NetworkTrainingFamily:
    random = torch.Generator().manual_seed(1)
    images, labels = torch.rand(60, 9, generator=random), torch.randint(10, (60,), generator=random)
    return NetworkTrainingFamily(
        sigmoid_network(3, 4), PooledDigits(images, labels), 9, 1, "runs", 5
    )


def single(optimizer, family, run: int, steps: int) -> ModuleEpisode:
    """One episode of the batch, by the module that is trained elsewhere."""
    starts = begun(optimizer, family, PLAN, range(PLAN.estimates)).own[0][0]

    def window(optimizee, state):
        loss = torch.zeros(())
        for _ in range(steps):
            state = optimizer.step(optimizee, state)
            loss = loss + optimizer.meta_loss(optimizee, state)
        return loss / steps, state

    def draw():
        return family.batch(torch.tensor([run])), starts[run : run + 1]

    return ModuleEpisode(optimizer, draw, optimizer.init, window)


@pytest.mark.parametrize("block", [2**15, 1])
@pytest.mark.parametrize("name", NAMES)
def test_many_runs_at_once_have_the_estimates_of_single_ones(
    name, block, optimizer, family, monkeypatch
):
    monkeypatch.setattr(batched_episodes, "BLOCK", block)
    together = KINDS[name](0.05, 2, (PLAN.estimates,))
    episodes, noise = begun(optimizer, family, PLAN, range(PLAN.estimates)), PLAN.generator("a")
    alone = [single(optimizer, family, run, 3) for run in range(PLAN.estimates)]
    each, own = [KINDS[name](0.05, 2) for _ in alone], PLAN.generator("a")
    for first in (0, 3):
        episodes.span = first, 3
        gradients, losses = together.estimate(episodes, noise)
        for run, (estimator, episode) in enumerate(zip(each, alone, strict=True)):
            gradient, loss = estimator.estimate(episode, own)
            assert float(losses[run]) == pytest.approx(float(loss), rel=1e-5)
            off = (gradients[run] - gradient).norm() / gradient.norm()
            assert off < (5e-3 if name in ("evolution", "persistent", "merged") else 1e-4)


def test_all_estimates_of_a_length_are_those_of_each_estimator_alone(optimizer, family):
    together = estimated(optimizer, family, NAMES, PLAN, 4)
    for name in NAMES:
        alone = estimated(optimizer, family, [name], PLAN, 4)[name]
        assert alone.shape == (PLAN.estimates, len(torch.nn.utils.parameters_to_vector(
            optimizer.parameters())))  # fmt: skip
        assert torch.allclose(together[name], alone, rtol=1e-6, atol=1e-9)


def test_truncations_cover_an_episode():
    assert [*truncations(500, 200)] == [(0, 200), (200, 200), (400, 100)]
    assert [*truncations(6, 6)] == [(0, 6)]


def test_orthogonal_perturbations_are_normal_each_by_itself():
    drawn = torch.stack([orthogonal(5, torch.Generator().manual_seed(s)) for s in range(4000)])
    products = drawn @ drawn.mT
    assert torch.allclose(products, torch.diag_embed(products.diagonal(dim1=1, dim2=2)), atol=1e-9)
    row = drawn[:, 3]
    assert row.mean(dim=0).abs().max() < 0.07
    assert torch.allclose(row.T @ row / len(row), torch.eye(5, dtype=torch.float64), atol=0.1)
    assert row.pow(4).mean(dim=0).sub(3.0).abs().max() < 0.6


def test_bias_and_noise_of_known_estimates():
    random = torch.Generator().manual_seed(2)
    truth = torch.tensor([3.0, 4.0], dtype=torch.float64)

    def drawn(count: int, shift: float) -> torch.Tensor:
        noise = torch.randn(count, 2, generator=random, dtype=torch.float64)
        return truth + torch.tensor([shift, 0.0]) + noise

    target = Target(drawn(400, 0.0))
    assert target.norm == pytest.approx(5.0, rel=0.03)
    biased, fair = (row_of(drawn(400, shift), target) for shift in (2.0, 0.0))
    assert biased["bias"] == pytest.approx(0.4, abs=0.05) and biased["resolved"]
    assert biased["low"] < biased["bias"] < biased["high"] < biased["bound"]
    # Two independent means along the bias: an error of sqrt(2 / 400) of a length of 5.
    assert biased["high"] - biased["bias"] == pytest.approx(math.sqrt(2 / 400) / 5, rel=0.2)
    assert not fair["resolved"] and fair["bias"] <= fair["bound"] < 0.1
    for row in (biased, fair):
        assert row["deviation"] == pytest.approx(math.sqrt(2) / 5, rel=0.1) and row["broken"] == 0


def test_noise_in_many_directions_hides_no_bias_and_makes_none():
    """A bias shorter than the noise of the mean, which is as long as it always is."""
    random = torch.Generator().manual_seed(4)
    truth, shift = 5 * torch.ones(80, dtype=torch.float64) / math.sqrt(80), torch.zeros(80)
    shift[0] = 3.5

    def resolved(bias: torch.Tensor) -> int:
        count = 0
        for _ in range(60):
            target, found = torch.randn(2, 16, 80, generator=random, dtype=torch.float64) + truth
            count += row_of(found + bias, Target(target))["resolved"]
        return count

    assert resolved(shift) > 50 and resolved(torch.zeros(80)) < 4


def test_an_estimate_that_is_not_finite_is_told():
    estimates = torch.ones(4, 3, dtype=torch.float64)
    estimates[1, 2] = math.inf
    row = row_of(estimates, Target(torch.eye(3, dtype=torch.float64)))
    assert row["broken"] == 1 and math.isnan(row["bias"]) and not row["resolved"]


def test_rows_are_the_same_after_a_stop_and_of_all_estimators(
    optimizer, family, tmp_path, monkeypatch
):
    def again(name: str, key: str = "key") -> list[dict]:
        return measured(optimizer, family, NAMES, PLAN, tmp_path / name, key)

    first = again("whole")

    def stopped(*given):
        if given[-1] == PLAN.lengths[1]:
            raise KeyboardInterrupt
        return estimated(*given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(meta_gradients, "estimated", stopped)
        again("part")
    with monkeypatch.context() as patch:
        patch.setattr(meta_gradients, "reference", lambda *given: pytest.fail("it is there"))
        second = again("part")
    assert [[*row.items()] for row in second] == [[*row.items()] for row in first]
    assert again("part", "another") == first
    pairs = [(row["estimator"], row["unroll"]) for row in first]
    assert pairs == [(name, unroll) for unroll in (2, 3) for name in NAMES]
    spent = {row["estimator"]: row["gradients"] for row in first}
    assert spent == {
        "backpropagation": 6,
        **dict.fromkeys(("reparameterisation", "evolution", "merged"), 30),
        "persistent": 24,
    }


def test_the_target_is_the_gradient_with_all_derivatives(optimizer, family, monkeypatch):
    # One that is independent: backpropagation also through the gradients of the network's loss.
    def differentiable(self, x):
        x = x if x.requires_grad else x.requires_grad_(True)
        return torch.autograd.grad(self.objective(x).sum(), x, create_graph=True)[0]

    plan = replace(PLAN, estimates=0, sigma=1e-3, episodes=1)
    found = reference(optimizer, family, plan)[0]
    episode = begun(optimizer, family, plan, [0])
    episode.span = 0, plan.horizon
    monkeypatch.setattr(Minibatch, "gradient", differentiable)
    (exact,) = episode.through()[1].double()
    # Orthogonal pairs have a linear loss's gradient up to sqrt(2 / P) of it.
    assert (found - exact).norm() < 3 * math.sqrt(2 / len(exact)) * exact.norm()
