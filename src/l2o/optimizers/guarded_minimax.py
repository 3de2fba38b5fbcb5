"""A learned minimax optimizer that cannot go wrong: its step, or else Halpern's."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.minimax.halpern import halpern_step
from l2o.optimizers.protocol import Optimizer, State

ENOUGH = 0.99  # of the lowest ||F|| so far: a learned step that leaves no more is taken


class GuardedMinimax:
    """A learned step where it lowers ||F||, else Halpern's; each instance by itself.

        y from the learned optimizer at z;  E the lowest ||F|| of all z so far
        z+ = y where ||F(y)|| <= 0.99 E;  else the step of :mod:`l2o.optimizers.minimax.halpern`,
        whose anchor is the last z that was learned.

    Either learned steps are taken for ever, and then ||F|| goes to 0 as a geometric series; or a
    last one is, and what follows is Halpern's iteration, which on a convex-concave f converges
    for steps up to 1 / L, L the Lipschitz constant of F.
    Source: the safeguard of Shen et al. 2021; a test of this sort is in Heaton, Chen, Wang & Yin
    2020, "Safeguarded learned convex optimization".

    The optimizer's memory takes part in every step, chosen or not; only its z is replaced. The
    state is (z, E, safe steps taken, anchor, steps since it, what the optimizer remembers): E and
    both counts are (batch, 1).

    Parameters
    ----------
    inner : the learned optimizer
    rate : of the safe step
    """

    def __init__(self, inner: Optimizer, rate: float) -> None:
        self.inner, self.rate = inner, rate
        self.name, self.label = inner.name, inner.label

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        z, *memory = self.inner.init(optimizee, x)
        none = z.new_zeros(len(z), 1)
        return z, none + torch.inf, none, z, none, *memory

    def step(self, optimizee: Minimax, state: State) -> State:
        z, lowest, taken, anchor, k, *memory = state
        y, *memory = self.inner.step(optimizee, (z, *memory))
        slope = optimizee.gradient(z)
        lowest = torch.minimum(lowest, slope.norm(dim=-1, keepdim=True))
        left = optimizee.gradient(y).norm(dim=-1, keepdim=True)
        learned = left <= ENOUGH * lowest  # false for NaN, where the optimizer has diverged
        safe = halpern_step(optimizee, z, slope, anchor, k, self.rate)
        new, anchor = torch.where(learned, y, safe), torch.where(learned, y, anchor)
        k = torch.where(learned, 0.0, k + 1)
        return new, lowest, taken + ~learned, anchor, k, *memory
