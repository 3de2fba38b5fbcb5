"""Optimizees asked at several points of every instance at once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from l2o.optimizees.protocol import Optimizee


@dataclass(frozen=True)
class Repeated:
    """Each instance ``count`` times in a row: x is (..., batch count, n).

    The points of an instance are brought to an axis in front, so that its data are not copied.
    """

    inner: Optimizee
    count: int

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective, (..., batch count)."""
        return self.inner.objective(self._in_front(x)).movedim(0, -1).flatten(-2)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, (..., batch count, n)."""
        return self.inner.gradient(self._in_front(x)).movedim(0, -2).flatten(-3, -2)

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return the meta-loss of all points together, ()."""
        return self.inner.meta_loss(self._in_front(x))

    def _in_front(self, x: Tensor) -> Tensor:
        return x.unflatten(-2, (-1, self.count)).movedim(-2, 0)
