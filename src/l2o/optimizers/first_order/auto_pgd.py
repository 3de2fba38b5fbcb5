"""Auto-PGD: PGD with momentum that halves its steps where they no longer pay."""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State

MOMENTUM = 0.75  # alpha of the paper: weight of the new step, the rest is of the last one
PAYS = 0.75  # rho: part of a period's steps that have to be lower than the one before
FIRST, LESS, LEAST = 0.22, 0.03, 0.06  # periods, as parts of a run


class AutoPgd(Optimizer):
    """z = P(x - eta sign g(x)); x+ = P(x + 0.75 (z - x) + 0.25 (x - x-)); the best x counts.

    Every instance has its own eta, at first ``rate``. At the end of a period it is halved, and the
    best x taken, where fewer than 3/4 of the period's steps were lower than the one before, or
    where neither eta nor the lowest value changed since the last period's end. Periods end at the
    parts 0.22, 0.41, 0.57, 0.70, 0.80, 0.87, ... of ``steps``. P is the optimizee's ``project``, if
    it has one. Values are asked for besides gradients, of the same points and of the last one.

    The state is (best x, its value, x, x before, value at x, eta, lower steps in this period,
    lowest value and eta at the last period's end, t): (batch, n), (batch,) or ().
    """

    name = "auto_pgd"
    label = "Auto-PGD"
    reference = "Croce & Hein 2020, algorithm 1"
    hyperparameters = {"rate": 0.6, "steps": 10}
    ranges = {"rate": "(0, inf)", "steps": "integers [1, 1e15]"}

    @cached_property
    def ends(self) -> list[int]:
        """The number of steps after which each period ends, from 0."""
        parts = [0.0, FIRST]
        while parts[-1] < 1:
            parts.append(parts[-1] + max(parts[-1] - parts[-2] - LESS, LEAST))
        # Rounded: 0.7 is a sum here, and a bit above.
        return [math.ceil(round(part * self.hyper["steps"], 6)) for part in parts]

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        value = optimizee.objective(x)
        rate = torch.full_like(value, self.hyper["rate"])
        return x, value, x, x, value, rate, torch.zeros_like(value), value, rate, x.new_zeros(())

    def step(self, optimizee: Optimizee, state: State) -> State:
        best, lowest, x, before, value, rate, lower, last_lowest, last_rate, t = state
        project = getattr(optimizee, "project", _nothing)
        z = project(x - rate.unsqueeze(-1) * optimizee.gradient(x).sign())
        share = MOMENTUM if t > 0 else 1.0
        new = project(x + share * (z - x) + (1 - share) * (x - before))
        found = optimizee.objective(new)
        lower = lower + (found < value)
        better = found < lowest
        best, lowest = torch.where(better.unsqueeze(-1), new, best), torch.minimum(found, lowest)
        before, x, value, t = x, new, found, t + 1
        if (done := int(t)) in self.ends:
            period = done - max(end for end in self.ends if end < done)
            stuck = (last_rate == rate) & (last_lowest == lowest)
            halved = (lower < PAYS * period) | stuck
            last_rate, last_lowest, lower = rate, lowest, torch.zeros_like(lower)
            rate = torch.where(halved, rate / 2, rate)
            back = halved.unsqueeze(-1)
            x, before = torch.where(back, best, x), torch.where(back, best, before)
            value = torch.where(halved, lowest, value)
        return best, lowest, x, before, value, rate, lower, last_lowest, last_rate, t


def _nothing(x: Tensor) -> Tensor:
    return x
