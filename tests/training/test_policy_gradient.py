"""Policy gradients: the estimate against the formula, the same bytes, no end behind the start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from l2o.config.policy_training import PolicyTraining
from l2o.errors import InputError
from l2o.optimizees.instances import Instances
from l2o.optimizees.repeated import Repeated
from l2o.optimizees.small_regression import PROBLEMS, Quadratic, draw
from l2o.optimizers.registry import methods
from l2o.training.policy_gradient import PolicyTrainer, advantages, episodes, policy_loss
from l2o.training.state import MetaState

BUDGET = PolicyTraining(
    updates=24,
    problems=8,
    rollouts=8,
    begin_rates=(0.02,),
    rate=0.01,
    clip=1.0,
    start_scale=1.0,
    validate_every=6,
    validation_starts=2,
)
HEADS = methods("policies")
each_policy = pytest.mark.parametrize("name", HEADS)


def family(count: int, seed: int) -> Instances:
    """Quadratics, single precision."""
    arrays = draw(np.random.default_rng(seed), "quadratic", count, 3)
    made = PROBLEMS["quadratic"](**{name: torch.from_numpy(a) for name, a in arrays.items()})
    return made.to(torch.float32)


def policy(name: str, **hyper):
    """A policy with drawn weights, of few units."""
    hyper = {"history": 4, "units": 6, "rate": 0.02, "deviation": 0.1, **hyper}
    return HEADS[name].load()(hyper, torch.Generator().manual_seed(0))


def trainer(path, name="policy_optimizer", budget=BUDGET, problems=family, **hyper):
    net = policy(name, **hyper)
    state = MetaState(path / "state.safetensors", "key", net)
    return PolicyTrainer(net, (problems(20, 0), problems(10, 1)), budget, 8, 1, state, "test")


def test_the_estimate_is_the_gradient_of_a_linear_quadratic_problem():
    """f(x) = l (x - c)^2 / 2, one step from x: E f = l ((x + m - c)^2 + s^2) / 2, m the mean."""
    curve, centre, start, count = 3.0, 0.4, 1.0, 200_000
    f = Quadratic(torch.tensor([[[curve]]]), torch.tensor([[centre]])).to(torch.float64)
    one = policy("policy_optimizer", dimension=1, history=2, anchored=0, deviation=0.5).double()
    weight = torch.randn(one.output.weight.shape, generator=torch.Generator().manual_seed(1))
    one.output.weight.data.copy_(0.1 * weight)
    x = torch.full((1, 1), start, dtype=torch.float64)
    seen = one.observe(f, one.init(f, x))
    mean = one.mean(seen.features, seen.gradient)[0, 0]
    deviation = one.log_deviation.exp()[0]
    expected = 0.5 * curve * ((start + mean - centre) ** 2 + deviation**2)
    weights = [*one.parameters()]
    wanted = torch.autograd.grad(expected, weights)

    random = torch.Generator().manual_seed(2)
    noise = torch.randn(1, count, 1, generator=random, dtype=torch.float64)
    played = episodes(one, Repeated(f, count), x.expand(count, 1), noise)
    scale = advantages(played.rewards, count).std()
    found = torch.autograd.grad(scale * policy_loss(one, played, count), weights)
    size = max(float(part.abs().max()) for part in wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert torch.allclose(ours, theirs, rtol=0.02, atol=0.01 * size)


def test_advantages_are_rewards_to_go_less_those_of_the_other_episodes():
    rewards = torch.tensor([[1.0, 2.0, 6.0, 5.0], [3.0, -1.0, 0.0, 2.0]])
    found = advantages(rewards, 2)
    to_go = torch.tensor([[4.0, 1.0, 6.0, 7.0], [3.0, -1.0, 0.0, 2.0]])
    wanted = to_go - to_go[:, [1, 0, 3, 2]]
    assert torch.equal(found, wanted)
    many = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    sums = advantages(many, 4).unflatten(1, (3, 4)).sum(dim=2)
    assert torch.allclose(sums, torch.zeros(5, 3), atol=1e-5)


def test_backpropagation_gives_the_derivative_of_runs_with_what_is_seen_as_given(tmp_path):
    one = trainer(tmp_path, "policy_unrolled", history=2, scale=5.0)
    one.policy.double()
    one.train, one.like = one.train.to(torch.float64), next(one.policy.parameters())
    weight = one.policy.output.weight
    weight.data.copy_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    met = []
    observe = one.policy.observe
    one.policy.observe = lambda f, state: met.append((f, state[0], observe(f, state))) or met[-1][2]
    one.loss(0).backward()
    runs, starts = min(one.budget.problems, len(one.train)) * one.budget.rollouts, met[0][1]
    assert len(starts) == len(starts.unique(dim=0)) == runs  # as policy gradients have

    @torch.no_grad()
    def replayed() -> float:
        """The loss of steps from what was seen before a weight changed."""
        f, x, values = met[0][0], met[0][1], []
        for *_, seen in met:
            x = x + one.policy.mean(seen.features, seen.gradient)
            values.append(f.objective(x).mean().item())
        return sum(values) / len(values)

    for tensor, place in ((weight, (1, 2)), (one.policy.hidden.weight, (3, 4))):
        values, before = [], tensor.data[place].item()
        for change in (1e-5, -1e-5):
            tensor.data[place] = before + change
            values.append(replayed())
        tensor.data[place] = before
        found = (values[0] - values[1]) / 2e-5
        assert float(tensor.grad[place]) == pytest.approx(found, rel=1e-5)


def test_it_begins_with_the_rate_that_is_best_on_validation(tmp_path):
    one = trainer(tmp_path)
    one.begin((0.001, 0.04, 0.03, 5.0))
    losses = {}
    for rate in (0.001, 0.03, 0.04):
        one.policy.hyper["rate"], found = rate, one.policy.hyper["rate"]
        losses[rate] = one.validation_loss()
        one.policy.hyper["rate"] = found
    assert one.policy.hyper["rate"] == min(losses, key=losses.get) > 0.001


@each_policy
def test_training_lowers_the_loss_and_never_ends_behind_its_start(tmp_path, name):
    one = trainer(tmp_path, name)
    before = one._validate()
    one.run()
    assert one._validate() == one.state.best_value < before
    assert len(one.state.history) == BUDGET.updates // BUDGET.validate_every
    # The deviation belongs to what rewards teach, and to nothing else.
    moved = bool((one.policy.log_deviation.exp() - 0.1).abs().max() > 1e-3)
    assert moved == (one.policy.learns == "reward")
    wild = trainer(tmp_path / "wild", name, BUDGET.model_copy(update={"rate": 0.9}))
    wild.run()
    assert wild._validate() <= before


@pytest.mark.parametrize("name", ["policy_optimizer", "policy_unrolled"])
def test_a_killed_training_ends_with_the_same_bytes(tmp_path, name):
    whole = trainer(tmp_path / "whole", name)
    whole.run()
    again = trainer(tmp_path / "again", name)
    again.run()
    first, counted = trainer(tmp_path / "cut", name), 0
    loss = first.loss

    def cut(number: int) -> Tensor:
        nonlocal counted
        counted += 1
        if counted > 15:
            raise KeyboardInterrupt
        return loss(number)

    first.loss = cut
    with pytest.raises(KeyboardInterrupt):
        first.run()
    second = trainer(tmp_path / "cut", name)
    second.run()
    for other in (again, second):
        for key, tensor in whole.policy.state_dict().items():
            assert torch.equal(tensor, other.policy.state_dict()[key])
        assert whole.state.history == other.state.history
    assert whole.state.best_value == second.state.best_value


@dataclass(frozen=True)
class Undefined(Quadratic):
    """Values that nobody can learn from."""

    def objective(self, x: Tensor) -> Tensor:
        return super().objective(x) * torch.nan


def test_what_never_has_a_value_is_told(tmp_path):
    def problems(count: int, seed: int) -> Instances:
        return Undefined(**vars(family(count, seed)))

    one = trainer(tmp_path, problems=problems)
    one.run()
    with pytest.raises(InputError, match="test: policy_optimizer: training diverged throughout"):
        one.check("test", "policy_optimizer")
