"""Policies: what the last steps of an optimization told gives a distribution of the next one."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from l2o.errors import InputError
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.seeds import named_seed


class Seen(NamedTuple):
    """What a policy sees before a step.

    Parameters
    ----------
    value, gradient : f and its gradient at the iterate, (..., batch) and (..., batch, n)
    recent : the last gradients, (batch, history, n), newest first
    features : what its network is given, scaled and clipped, (..., features) after the batch, or
        after its coordinates where they share the network
    """

    value: Tensor
    gradient: Tensor
    recent: Tensor
    features: Tensor


class Policy(RecurrentOptimizer):
    """x+ = x + s, s from N(mean, diag(deviation^2)), mean = rate (scale net(features) - g).

    The features are the changes f(x_i) - f(x_{i-j}), j = 1 ... history, and the gradients at the
    last ``history`` iterates, all over ``scale`` and clipped to [-1, 1]. What was before the start
    counts as a rest at it: the changes are to f(x_0), the gradients are zero. The network has a
    layer of softplus units; its output is zero before training, so that the mean begins as gradient
    descent with a constant rate. Where it is ``anchored`` its output at features of zero is taken
    off: then no step is taken where nothing is left to do. The deviation is learned, and does not
    depend on what is seen.

    ``step`` takes the mean. It asks for a value and a gradient. The state is (x, f at the last
    iterates, (batch, history), newest first, the last gradients, (batch, history, n)).

    Source: Li & Malik 2016 (features, network, distribution), scale and clipping by way of a
    re-implementation. Ours: the network adds to gradient descent, in units of it; the anchor; what
    was before the start.

    Parameters
    ----------
    hyper : ``rate`` (of the gradient descent that it begins as), ``scale``, ``history``, ``units``,
        ``deviation`` (in the beginning, in units of x), ``anchored`` (0 or 1) and, where the
        coordinates do not share the network, ``dimension`` n
    generator : draws the weights of the layer, uniform between +- 1 / sqrt(features)

    Attributes
    ----------
    learns : by policy gradients from rewards, or by backpropagation through f along whole runs
    shared : whether all coordinates share the network: each has one output, from the changes of f
        and its own gradients
    """

    learns: ClassVar[Literal["reward", "backpropagation"]] = "reward"
    shared: ClassVar[bool] = False

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        self.history, units = int(self.hyper["history"]), int(self.hyper["units"])
        outputs = 1 if self.shared else int(self.hyper["dimension"])
        features = self.history * (1 + outputs)
        self.anchored = self.hyper["anchored"] > 0
        self.hidden = nn.Linear(features, units)
        self.output = nn.Linear(units, outputs, bias=not self.anchored)
        for weight in self.hidden.parameters():
            nn.init.uniform_(weight, -(features**-0.5), features**-0.5, generator=generator)
        for weight in self.output.parameters():
            nn.init.zeros_(weight)
        self.log_deviation = nn.Parameter(torch.full((outputs,), math.log(self.hyper["deviation"])))

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        """Return the state at the start x, (batch, n).

        Raises
        ------
        InputError : it is a policy for another number of unknowns.
        """
        if not self.shared and x.shape[-1] != (known := int(self.hyper["dimension"])):
            problem = f"is {known}, and this problem has {x.shape[-1]} unknowns"
            remedy = "train one for as many, or take policy_coordinate, which has any number"
            raise InputError(self.name, "dimension", problem, remedy)
        values = optimizee.objective(x).unsqueeze(-1).expand(-1, self.history)
        return x, values, x.new_zeros(len(x), self.history, x.shape[-1])

    @torch.no_grad()
    def observe(self, optimizee: Optimizee, state: State) -> Seen:
        """Return what is seen at the iterate; no derivative is taken through it."""
        x, values, gradients = state
        value, gradient = optimizee.objective(x), optimizee.gradient(x)
        recent = torch.cat([gradient.unsqueeze(1), gradients[:, :-1]], dim=1)
        changes, parts = value.unsqueeze(-1) - values, recent.flatten(1)
        if self.shared:
            changes = changes.unsqueeze(1).expand(-1, x.shape[-1], -1)
            parts = recent.transpose(1, 2)
        features = torch.cat([changes, parts], dim=-1) / self.hyper["scale"]
        return Seen(value, gradient, recent, features.clamp(-1.0, 1.0))

    def mean(self, features: Tensor, gradient: Tensor) -> Tensor:
        """Return the mean of the step, shaped as the gradient."""
        units = functional.softplus(self.hidden(features))
        if self.anchored:
            units = units - functional.softplus(self.hidden.bias)
        output = self.output(units)
        output = output.squeeze(-1) if self.shared else output
        return self.hyper["rate"] * (self.hyper["scale"] * output - gradient)

    def log_density(self, steps: Tensor, mean: Tensor) -> Tensor:
        """Return the logarithm of the density of steps, (...), but for a constant."""
        distance = (steps - mean) / self.log_deviation.exp()
        return -(0.5 * distance.square() + self.log_deviation).sum(dim=-1)

    def after(self, state: State, seen: Seen, step: Tensor) -> State:
        """Return the state after a step, (batch, n), from where that was seen."""
        x, values, _ = state
        return x + step, torch.cat([seen.value.unsqueeze(1), values[:, :-1]], dim=1), seen.recent

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after the mean step."""
        seen = self.observe(optimizee, state)
        return self.after(state, seen, self.mean(seen.features, seen.gradient))


class Sampled(Optimizer):
    """A policy whose steps are drawn, as in its training; the state is the policy's, and a count.

    Parameters
    ----------
    policy : the policy
    seed : root of the named streams, one a step
    """

    def __init__(self, policy: Policy, seed: int) -> None:
        self.policy, self.seed, self.label = policy, seed, policy.label

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return *self.policy.init(optimizee, x), torch.zeros((), dtype=torch.int64)

    def step(self, optimizee: Optimizee, state: State) -> State:
        *known, count = state
        seen = self.policy.observe(optimizee, tuple(known))
        random = torch.Generator().manual_seed(named_seed(self.seed, "policy", int(count)))
        noise = torch.randn(seen.gradient.shape, generator=random, dtype=torch.float64)
        drawn = noise.to(seen.gradient) * self.policy.log_deviation.exp()
        step = self.policy.mean(seen.features, seen.gradient) + drawn
        return *self.policy.after(tuple(known), seen, step), count + 1
