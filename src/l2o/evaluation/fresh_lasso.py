"""Evaluation on LASSO whose instances have an A each: methods ready to run, and safeguards."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l2o.evaluation.clock import fastest
from l2o.evaluation.lasso import final_row
from l2o.evaluation.runs import Contestant, Entry, learned_entries, learned_values
from l2o.optimizees.counted import Counted
from l2o.optimizees.fresh_lasso import FreshLasso
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.proximal import on_parts, proximal_gradient
from l2o.optimizers.registry import methods
from l2o.optimizers.safe_l2o import SCHEDULES, SafeL2o
from l2o.optimizers.safeguarded import Safeguarded
from l2o.optimizers.trained import read_checkpoint
from l2o.variants import MAIN

MONOTONE = "monotone"  # the project's own safeguard
FELL_BACK = {MONOTONE: 2, **dict.fromkeys(SCHEDULES, 3)}  # where a state counts such steps
PROXIMAL = "learned_proximal"


def entry(
    who: Mapping[str, Any], hyper: Mapping[str, float], f: FreshLasso, checkpoint: Path | None
) -> Entry:
    """Return a method ready to run.

    Parameters
    ----------
    who : ``method`` and ``kind``
    hyper : of a method that is searched for
    f : the instances, float64
    checkpoint : of a trained method; proximal ones run in float64, since they come nearer to a
        minimum than float32 can say

    Raises
    ------
    InputError : see :func:`l2o.optimizers.trained.read_checkpoint`.
    """
    name, kind = who["method"], who["kind"]
    if kind == "recurrent":
        (found,) = learned_entries(name, kind, {MAIN: checkpoint})
        return found
    if kind == PROXIMAL:
        optimizer = read_checkpoint(checkpoint, kind).optimizer().double().requires_grad_(False)
        told = Contestant(name, kind, optimizer.label, learned=learned_values(optimizer))
        return Entry(told, optimizer)
    head = methods(kind)[name]
    made = on_parts(head.load(), f) if kind == "classical" else head.load()(hyper)
    return Entry(Contestant(name, kind, head.label), made)


class ProximalStep(Optimizer):
    """T alone, the step that Safe-L2O falls back to; with monotone FISTA, that method itself."""

    name, label, hyperparameters = Ista.name, "without a net", {}

    def step(self, optimizee: FreshLasso, state: State) -> State:
        """Return T x of the optimizee that is given, and so of one that counts."""
        return (proximal_gradient(optimizee, state[0]),)


def no_net() -> Entry:
    """Return what safeguards do when there is no net: T in its place."""
    step = ProximalStep({})
    return Entry(Contestant(step.name, "classical", step.label), step)


class CountedParts(Counted):
    """As :class:`Counted`; a gradient of the smooth part counts as a gradient."""

    @property
    def lipschitz(self) -> Tensor:
        """L of each instance, (batch, 1)."""
        return self.inner.lipschitz

    @property
    def b(self) -> Tensor:
        """The measurements, (batch, m)."""
        return self.inner.b

    def smooth_gradient(self, x: Tensor) -> Tensor:
        """Return the gradient of the smooth part, (batch, n), counted."""
        counted = torch.ones(len(x), dtype=torch.int64)
        self.gradients = counted if self.gradients is None else self.gradients + counted
        return self.inner.smooth_gradient(x)

    def proximal(self, v: Tensor, step: Tensor) -> Tensor:
        """Return what the inner one does."""
        return self.inner.proximal(v, step)


def guarded(name: str, inner: Optimizer, f: Any, alpha: float, theta: float) -> Optimizer:
    """Return an optimizer with the safeguard of a name: none, the project's own, or Safe-L2O."""
    if name == MAIN:
        return inner
    if name == MONOTONE:
        return Safeguarded(inner, on_parts(Ista, f))
    return SafeL2o(inner, name, alpha, theta)


def guarded_rows(
    found: Entry, f: FreshLasso, start: Tensor, iterations: int, alpha: float, theta: float
) -> list[dict[str, Any]]:
    """Return a row for a method without and with each safeguard.

    All run in float64: a residual is compared with others. ``evaluations`` are the gradients and
    values of f, all instances of the batch together, as it asks for them, over instances;
    ``fallbacks`` the steps of a run that were not learned; ``seconds`` those of the
    whole run, which is long enough to be timed once.

    Parameters
    ----------
    f : the instances, float64
    start : (instances, n), float64
    """
    rows, optimum = [], f.optimum.numpy()
    names = (MAIN, *FELL_BACK)
    inner = found.optimizer.double() if found.contestant.learned else found.optimizer
    given = inner, f, start, iterations, alpha, theta
    turns = fastest([partial(_ended, name, *given) for name in names], 1)
    for name, ((state, asked), seconds) in zip(names, turns, strict=True):
        excess = torch.stack([f.excess(start), f.excess(state[0])])[:, None].numpy()
        row = final_row(found.contestant, excess, optimum) | {"variant": name}
        fallen = float(state[FELL_BACK[name]].double().mean()) if name in FELL_BACK else 0.0
        taken = {"iteration": iterations, "seconds": seconds, "evaluations": asked}
        rows.append(row | taken | {"fallbacks": fallen})
    return rows


def _ended(
    name: str, inner: Optimizer, f: FreshLasso, start: Tensor, iterations: int, *how: float
) -> tuple[State, float]:
    """Return the state after a run with a safeguard, and the mean number of evaluations."""
    counted = CountedParts(f)
    optimizer = guarded(name, inner, counted, *how)
    state = optimizer.init(counted, start)
    for _ in range(iterations):
        state = optimizer.step(counted, state)
    return state, float(counted.evaluations().double().mean())
