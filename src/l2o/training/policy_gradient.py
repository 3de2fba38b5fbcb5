"""Training of policies by policy gradients, and, beside it, by backpropagation through whole runs.

An update draws problems, a start of each, and from there some episodes of the policy, whose steps
are drawn. The reward of a step is -f where it leads to. The estimate of the gradient is that of
REINFORCE with rewards to go, less a baseline: at every time the mean over the other episodes of the
same problem, which does not depend on the step itself, so that nothing is biased. An update is one
step of Adam on fresh episodes: no ratio to an older policy has to be clipped.

An update of either has equally many runs. Those of backpropagation draw no steps, so that each has
a start of its own.

Sources: Williams 1992 (REINFORCE); Sutton et al. 2000 (rewards to go); Kool, van Hoof & Welling
2019 (baseline). Li & Malik 2016 train by guided policy search instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.config.policy_training import PolicyTraining
from l2o.optimizees.protocol import Optimizee, OptimizeeFamily
from l2o.optimizees.repeated import Repeated
from l2o.optimizers.policy import Policy
from l2o.optimizers.registry import methods
from l2o.seeds import named_seed
from l2o.training.recurrent import HISTORY, weights_generator
from l2o.training.results import store_training
from l2o.training.state import MetaState
from l2o.training.updates import UpdateTrainer

STREAM = "policy training"
LEAST = 1e-12  # standard deviation of advantages that are not scaled up further


def train_policy(
    given: Given,
    family: Callable[[str, torch.device], OptimizeeFamily],
    problem: Mapping[str, float],
) -> None:
    """Train a policy, or go on with it, and store what came of it.

    Parameters
    ----------
    given : parameters ``setting``, ``method``, ``kind``, ``hyperparameters``, ``horizon``,
        ``policy_training`` (see :class:`PolicyTraining`), ``seed``, ``device``, ``compute_threads``
    family : returns the problems of a split, ``train`` or ``validation``, on a device
    problem : hyperparameters that follow from the problem; those that the method lacks are left out

    Raises
    ------
    InputError : no such device, every update diverged, or an output cannot be written.
    """
    p = given.parameters
    device, head = (
        prepare_device(p["device"], p["compute_threads"]),
        methods(p["kind"])[p["method"]],
    )
    own = {name: value for name, value in problem.items() if name in head.hyperparameters}
    policy = head.load()({**p["hyperparameters"], **own}, weights_generator(p["seed"])).to(device)
    budget = PolicyTraining.model_validate(p["policy_training"])
    families = family("train", device), family("validation", device)
    state = MetaState(given.state, given.key, policy)
    trainer = PolicyTrainer(policy, families, budget, p["horizon"], p["seed"], state, p["setting"])
    trainer.begin(budget.begin_rates)
    trainer.run()
    trainer.check(p["setting"], p["method"])
    store_training(given, policy, state, device, HISTORY, {})


class PolicyTrainer(UpdateTrainer):
    """Trains one policy; it never ends behind the gradient descent that it begins as.

    Parameters
    ----------
    policy : at its drawn weights
    families : problems to train and to validate on
    budget : see :class:`PolicyTraining`
    horizon : steps of an episode
    seed : root of the named random streams; every update has its own
    state : see :class:`UpdateTrainer`
    setting : for messages
    """

    keeps_start = True

    def __init__(
        self,
        policy: Policy,
        families: tuple[OptimizeeFamily, OptimizeeFamily],
        budget: PolicyTraining,
        horizon: int,
        seed: int,
        state: MetaState,
        setting: str,
    ) -> None:
        super().__init__(policy, budget, state, f"{setting} {policy.label}")
        self.policy, self.horizon, self.seed = policy, horizon, seed
        self.train, self.validation = families
        self.like = next(policy.parameters())

    def begin(self, rates: Sequence[float]) -> None:
        """Begin as gradient descent with the one of ``rates`` whose validation loss is lowest."""
        losses = []
        for rate in rates:
            self.policy.hyper["rate"] = rate
            loss = self.validation_loss()
            losses.append(loss if math.isfinite(loss) else math.inf)
        self.policy.hyper["rate"] = rates[losses.index(min(losses))]

    def loss(self, number: int) -> Tensor:
        """Return what has the gradient of an update, on problems and starts of its own."""
        size = min(self.budget.problems, len(self.train))
        order = torch.randperm(len(self.train), generator=self._random("problems", number))
        f = self.train.batch(order[:size].to(self.like.device))
        count = self.budget.rollouts
        f = Repeated(f, count)
        if self.policy.learns == "backpropagation":  # as many episodes, each from its own start
            x = self._starts(size * count, "starts", number)
            return torch.stack([*_values(self.policy, f, x, self.horizon)]).mean()
        x = self._starts(size, "starts", number).repeat_interleave(count, dim=0)
        noise = torch.randn(self.horizon, *x.shape, generator=self._random("noise", number))
        played = episodes(self.policy, f, x, noise.to(self.like))
        return policy_loss(self.policy, played, count)

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Return f, averaged over the mean policy's episodes on all validation problems."""
        count = self.budget.validation_starts
        x = self._starts(count * len(self.validation), "validation", 0)
        values = _values(self.policy, Repeated(self.validation, count), x, self.horizon)
        return sum(float(value.double().mean()) for value in values) / self.horizon

    def _starts(self, count: int, *names: str | int) -> Tensor:
        drawn = torch.randn(count, self.train.dimension, generator=self._random(*names))
        return self.budget.start_scale * drawn.to(self.like)

    def _random(self, *names: str | int) -> torch.Generator:
        return torch.Generator().manual_seed(named_seed(self.seed, STREAM, *names))


class Episodes(NamedTuple):
    """What a policy did: features, gradients and steps, (steps, batch, ...), and rewards."""

    features: Tensor
    gradients: Tensor
    steps: Tensor
    rewards: Tensor


@torch.no_grad()
def episodes(policy: Policy, f: Optimizee, x: Tensor, noise: Tensor) -> Episodes:
    """Return episodes from the starts x, (batch, n), as long as ``noise``, (steps, batch, n)."""
    state, played, values = policy.init(f, x), [], []
    for drawn in noise:
        seen = policy.observe(f, state)
        step = policy.mean(seen.features, seen.gradient) + policy.log_deviation.exp() * drawn
        state = policy.after(state, seen, step)
        played.append((seen.features, seen.gradient, step))
        values.append(seen.value)
    rewards = -torch.stack([*values[1:], f.objective(state[0])])
    return Episodes(*(torch.stack(parts) for parts in zip(*played, strict=True)), rewards)


def advantages(rewards: Tensor, count: int) -> Tensor:
    """Return rewards to go less their baseline, (steps, batch).

    The baseline is the mean at the same time over the other episodes of a problem, of which
    ``count`` follow each other.
    """
    to_go = rewards.flip(0).cumsum(dim=0).flip(0).unflatten(1, (-1, count))
    others = (to_go.sum(dim=2, keepdim=True) - to_go) / (count - 1)
    return (to_go - others).flatten(1)


def policy_loss(policy: Policy, played: Episodes, count: int) -> Tensor:
    """Return what has the estimate of the gradient of -(sum of rewards), over a positive number.

    That number is the standard deviation of all advantages, so that the scale of f does not count.
    """
    worth = advantages(played.rewards, count)
    mean = policy.mean(played.features, played.gradients)
    density = policy.log_density(played.steps, mean)
    return -(density * worth).sum(dim=0).mean() / worth.std().clamp_min(LEAST)


def _values(policy: Policy, f: Optimizee, x: Tensor, steps: int) -> Iterator[Tensor]:
    """Yield f, (batch,), after each mean step from x."""
    state = policy.init(f, x)
    for _ in range(steps):
        state = policy.step(f, state)
        yield f.objective(state[0])
