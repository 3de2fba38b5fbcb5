"""Optimizees asked at several points of every instance at once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from l2o.optimizees.protocol import Optimizee, Wrapped


@dataclass(frozen=True)
class Repeated(Wrapped):
    """Each instance ``count`` times in a row: x is (..., batch count, n).

    The points of an instance are brought to an axis in front, so that its data are not copied.
    """

    inner: Optimizee
    count: int

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective, (..., batch count)."""
        return super().objective(x).movedim(0, -1).flatten(-2)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, (..., batch count, n)."""
        return super().gradient(x).movedim(0, -2).flatten(-3, -2)

    def partial(self, x: Tensor, player: int) -> Tensor:
        """Return one half of the gradient, (..., batch count, n / 2)."""
        return super().partial(x, player).movedim(0, -2).flatten(-3, -2)

    def payoff(self, x: Tensor) -> Tensor:
        """Return what is played for, (..., batch count)."""
        return super().payoff(x).movedim(0, -1).flatten(-2)

    def _asked(self, question: str, x: Tensor, *more: int) -> Tensor:
        return super()._asked(question, x.unflatten(-2, (-1, self.count)).movedim(-2, 0), *more)
