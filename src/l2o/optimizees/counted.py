"""How often a method asks for function values and gradients, whatever the method."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee


class Counted:
    """An optimizee that counts, for each instance, the points at which it is evaluated.

    Parameters
    ----------
    inner : the optimizee that answers

    ``values`` and ``gradients`` are the counts so far, (batch,) int64; None before the first
    question. A point of an instance counts unless it is the very point asked about last time: in a
    batched line search the rows that are done wait at their last point for the others, and their
    value is known. Points (..., batch, n) count once for each entry of the axes in front, so that
    a swarm of k particles counts k a step.
    """

    def __init__(self, inner: Optimizee) -> None:
        self.inner = inner
        self.values: Tensor | None = None
        self.gradients: Tensor | None = None
        self._last: dict[str, Tensor] = {}

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective at x, (..., batch), counted."""
        new = self._new("values", x)
        self.values = new if self.values is None else self.values + new
        return self.inner.objective(x)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient at x, (..., batch, n), counted."""
        new = self._new("gradients", x)
        self.gradients = new if self.gradients is None else self.gradients + new
        return self.inner.gradient(x)

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return the meta-loss, uncounted: no method asks for it."""
        return self.inner.meta_loss(x)

    def evaluations(self) -> Tensor:
        """Return function values and gradients together, (batch,) int64.

        Raises
        ------
        ValueError : nothing was asked yet.
        """
        counts = [count for count in (self.values, self.gradients) if count is not None]
        if not counts:
            raise ValueError("no evaluation to count")
        return torch.stack(counts).sum(dim=0)

    def _new(self, kind: str, x: Tensor) -> Tensor:
        """Return how many of the points are new, (batch,), and remember them."""
        last, x = self._last.get(kind), x.detach()
        self._last[kind] = x
        if last is None or last.shape != x.shape:
            fresh = torch.ones(x.shape[:-1], dtype=torch.int64, device=x.device)
        else:
            fresh = (last != x).any(dim=-1).long()
        return fresh.reshape(-1, x.shape[-2]).sum(dim=0)
