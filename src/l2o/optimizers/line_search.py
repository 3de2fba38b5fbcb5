"""Backtracking line search, for all instances of a batch at once."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee

SHORTEST = 1e-12  # of the first step; a search that gets there has failed
ROUNDING = 10.0  # machine epsilons by which a computed f may be wrong


def backtracked(
    optimizee: Optimizee,
    x: Tensor,
    value: Tensor,
    direction: Tensor,
    slope: Tensor,
    step: Tensor,
    shrink: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the point x + t d of sufficient decrease, its value, and the step t.

    t is the first of step, shrink step, shrink^2 step, ... with f(x + t d) <= f(x) + t slope, up
    to the rounding of f: at a minimum, where the decrease is lost in it, a step is not cut down
    for nothing. An instance without such a t down to 1e-12 of its first step stays at x with
    t = 0; with a first step of 0 it is not searched. Instances that are done keep their point
    while the others go on, so that each gets what it would get alone.

    Source: Armijo 1966.

    Parameters
    ----------
    x, direction : (..., batch, n)
    value : f(x), (..., batch)
    slope : demanded decrease for each unit of t, below 0, (..., batch): a share of g^T d
    step : the first t of each instance, (..., batch)
    shrink : factor between 0 and 1
    """
    least = SHORTEST * step
    rounding = ROUNDING * torch.finfo(value.dtype).eps * (1.0 + value.abs())
    while True:
        at = x + step.unsqueeze(-1) * direction
        reached = optimizee.objective(at)
        # A comparison with NaN is false: such a step is too long.
        waiting = ~(reached <= value + step * slope + rounding) & (step > 0)
        if not waiting.any():
            break
        step = torch.where(waiting, shrink * step, step)
        step = torch.where(waiting & (step < least), 0.0, step)
    moved = step > 0
    return torch.where(moved.unsqueeze(-1), at, x), torch.where(moved, reached, value), step


def descending(d: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Return d, (batch, n), or -g where d does not go down, and the slope g^T d, (batch,)."""
    slope = (g * d).sum(dim=-1)
    d = torch.where((slope < 0).unsqueeze(-1), d, -g)
    return d, torch.where(slope < 0, slope, -g.square().sum(dim=-1))
