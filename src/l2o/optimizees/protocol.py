"""What optimizers and their meta-training need of a problem, and the augmentations of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Optimizee(Protocol):
    """A batch of instances; x is (..., batch, n).

    Axes in front are several points for each instance, such as the particles of a swarm.
    """

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective, (..., batch)."""
        ...

    def gradient(self, x: Tensor) -> Tensor:
        """Return a (sub)gradient, (..., batch, n)."""
        ...

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return what meta-training minimises, of all points together, ()."""
        ...


class Measured(Protocol):
    """Instances known by measurements b = A x + noise, (batch, m), with an A that all share."""

    b: Tensor


@dataclass(frozen=True)
class Measurements:
    """Nothing but measurements b, (batch, m)."""

    b: Tensor


class OptimizeeFamily(Protocol):
    """Instances to draw batches from."""

    dimension: int

    def __len__(self) -> int: ...

    def batch(self, index: Tensor) -> Optimizee:
        """Return the instances ``index``, (batch,)."""
        ...


@dataclass(frozen=True)
class Scaled:
    """f(c x): every coordinate in another unit. Source: random scaling, Lv et al. 2017, 4.1.

    ``c`` is (batch, n), positive.
    """

    inner: Optimizee
    c: Tensor

    def objective(self, x: Tensor) -> Tensor:
        return self.inner.objective(self.c * x)

    def gradient(self, x: Tensor) -> Tensor:
        return self.c * self.inner.gradient(self.c * x)

    def meta_loss(self, x: Tensor) -> Tensor:
        return self.inner.meta_loss(self.c * x)


@dataclass(frozen=True)
class Convexified:
    """f(x) + weight ||x - v||^2 / 2n; the meta-loss gains the same term. ``v`` is (batch, n).

    Source: combination with convex functions, Lv et al. 2017, 4.2.
    """

    inner: Optimizee
    v: Tensor
    weight: float

    def _term(self, x: Tensor) -> Tensor:
        return 0.5 * self.weight * (x - self.v).square().mean(dim=-1)

    def objective(self, x: Tensor) -> Tensor:
        return self.inner.objective(x) + self._term(x)

    def gradient(self, x: Tensor) -> Tensor:
        return self.inner.gradient(x) + self.weight / x.shape[-1] * (x - self.v)

    def meta_loss(self, x: Tensor) -> Tensor:
        return self.inner.meta_loss(x) + self._term(x).mean()
