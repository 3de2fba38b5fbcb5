"""How often a method asks for function values and gradients, whatever the method."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee, Wrapped


class Counted(Wrapped):
    """An optimizee that counts, for each instance, the points at which it is evaluated.

    Parameters
    ----------
    inner : the optimizee that answers

    ``values``, ``gradients`` and ``halves`` (of gradients, of one player each) are the counts so
    far, (batch,) int64; None before the first question. Meta-losses and payoffs, for which no
    method asks, are not counted. A point (..., batch, n) counts once for each entry of the axes in
    front, so that a swarm of k particles counts k a step. Of points (batch, n) a function value
    does not count at the very point asked about last time: in a batched line search the instances
    that are done wait there for the others, and their value is known.
    """

    def __init__(self, inner: Optimizee) -> None:
        self.inner = inner
        self.values: Tensor | None = None
        self.gradients: Tensor | None = None
        self.halves: Tensor | None = None
        self._last: Tensor | None = None

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective at x, (..., batch), counted."""
        new, last = _points(x), self._last
        if last is not None and x.ndim == 2 and last.shape == x.shape:
            new = (last != x).any(dim=-1).long()
        self._last = x.detach()
        self.values = new if self.values is None else self.values + new
        return super().objective(x)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient at x, (..., batch, n), counted."""
        new = _points(x)
        self.gradients = new if self.gradients is None else self.gradients + new
        return super().gradient(x)

    def partial(self, x: Tensor, player: int) -> Tensor:
        """Return one half of the gradient at x, (..., batch, n / 2), counted as a half."""
        new = _points(x)
        self.halves = new if self.halves is None else self.halves + new
        return super().partial(x, player)

    def evaluations(self) -> Tensor:
        """Return function values and gradients together, (batch,); 0 if nothing was asked.

        They are int64, and float64 where halves of gradients are among them.
        """
        counts = [count for count in (self.values, self.gradients) if count is not None]
        counts += [] if self.halves is None else [self.halves.double() / 2]
        return sum(counts, start=torch.zeros((), dtype=torch.int64))


def _points(x: Tensor) -> Tensor:
    """Return the number of points of each instance, (batch,) int64."""
    count = math.prod(x.shape[:-2])
    return torch.full(x.shape[-2:-1], count, dtype=torch.int64, device=x.device)
