"""Optimizees asked at several points of every instance at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee


class Repeatable(Optimizee, Protocol):
    """An optimizee that is asked at all points in one call."""

    def repeat(self, count: int) -> Optimizee:
        """Return it with each instance ``count`` times in a row: (batch count, n)."""
        ...


def repeated(optimizee: Optimizee | Repeatable, count: int) -> Optimizee:
    """Return the optimizee with each instance ``count`` times in a row.

    It repeats itself where it can, which is fastest; else it is asked ``count`` times.
    """
    repeat = getattr(optimizee, "repeat", None)
    return InTurn(optimizee, count) if repeat is None else repeat(count)


@dataclass(frozen=True)
class InTurn:
    """Each instance ``count`` times in a row, x being (batch count, n), asked in turn."""

    inner: Optimizee
    count: int

    def objective(self, x: Tensor) -> Tensor:
        return torch.stack(self._each(self.inner.objective, x), dim=1).flatten(0, 1)

    def gradient(self, x: Tensor) -> Tensor:
        return torch.stack(self._each(self.inner.gradient, x), dim=1).flatten(0, 1)

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return the mean of the meta-losses at each instance's first point, second point, ..."""
        return torch.stack(self._each(self.inner.meta_loss, x)).mean()

    def _each(self, ask: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
        points = x.view(-1, self.count, x.shape[1]).unbind(dim=1)
        return [ask(point) for point in points]
