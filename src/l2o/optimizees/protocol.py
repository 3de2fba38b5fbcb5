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


class Composite(Optimizee, Protocol):
    """f = s + h: a smooth s, and an h whose proximal operator is known; both told apart.

    Wrappers (:class:`Wrapped`) do not hand these on: they change f as a whole.
    """

    lipschitz: Tensor  # L of each instance, (batch, 1): the least Lipschitz constant of grad s

    def smooth_gradient(self, x: Tensor) -> Tensor:
        """Return grad s, (..., batch, n)."""
        ...

    def proximal(self, v: Tensor, step: Tensor) -> Tensor:
        """Return argmin_u h(u) + sum_i (u_i - v_i)^2 / (2 step_i), (..., batch, n).

        ``step`` is positive, of the shape of v or one that broadcasts to it; h is separable.
        """
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


class Wrapped:
    """An optimizee around another one, ``inner``, which answers all that is not said otherwise."""

    inner: Optimizee

    @property
    def parts(self) -> tuple[int, ...]:
        """The parts of x, where the inner one has some (:mod:`l2o.optimizers.recurrent.parts`)."""
        return self.inner.parts

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Their shapes, where the inner one has some."""
        return self.inner.shapes

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective, (..., batch)."""
        return self._asked("objective", x)

    def gradient(self, x: Tensor) -> Tensor:
        """Return a (sub)gradient, (..., batch, n)."""
        return self._asked("gradient", x)

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return what meta-training minimises, of all points together, ()."""
        return self._asked("meta_loss", x)

    def partial(self, x: Tensor, player: int) -> Tensor:
        """Return one half of the gradient, (..., batch, n / 2), where two players share x.

        See :class:`l2o.optimizees.minimax.Minimax`, the one optimizee that has it.
        """
        return self._asked("partial", x, player)

    def payoff(self, x: Tensor) -> Tensor:
        """Return what the two players of a minimax problem play for, (..., batch)."""
        return self._asked("payoff", x)

    def _asked(self, question: str, x: Tensor, *more: int) -> Tensor:
        """Return the inner one's answer; ``question`` is the name of a method."""
        return getattr(self.inner, question)(x, *more)


@dataclass(frozen=True)
class Judged(Wrapped):
    """An optimizee whose meta-loss is the mean of its objective over all points and instances.

    Or, with ``logarithm``, the logarithm of it, for objectives above 0: late steps, at small
    losses, then count as much as early ones. Sources: Andrychowicz et al. 2016, eq. (3), with equal
    weights; Wichrowska et al. 2017, section 4.
    """

    inner: Optimizee
    logarithm: bool = False

    def meta_loss(self, x: Tensor) -> Tensor:
        mean = self.objective(x).mean()
        return mean.log() if self.logarithm else mean


@dataclass(frozen=True)
class Scaled(Wrapped):
    """f(c x): every coordinate in another unit. Source: random scaling, Lv et al. 2017, 4.1.

    ``c`` is (batch, n), positive.
    """

    inner: Optimizee
    c: Tensor

    def gradient(self, x: Tensor) -> Tensor:
        return self.c * super().gradient(x)

    def partial(self, x: Tensor, player: int) -> Tensor:
        return self.c.chunk(2, dim=-1)[player] * super().partial(x, player)

    def _asked(self, question: str, x: Tensor, *more: int) -> Tensor:
        return super()._asked(question, self.c * x, *more)


@dataclass(frozen=True)
class Convexified(Wrapped):
    """f(x) + weight ||x - v||^2 / 2n; the meta-loss gains the same term. ``v`` is (batch, n).

    Source: combination with convex functions, Lv et al. 2017, 4.2.
    """

    inner: Optimizee
    v: Tensor
    weight: float

    def _term(self, x: Tensor) -> Tensor:
        return 0.5 * self.weight * (x - self.v).square().mean(dim=-1)

    def objective(self, x: Tensor) -> Tensor:
        return super().objective(x) + self._term(x)

    def gradient(self, x: Tensor) -> Tensor:
        return super().gradient(x) + self.weight / x.shape[-1] * (x - self.v)

    def meta_loss(self, x: Tensor) -> Tensor:
        return super().meta_loss(x) + self._term(x).mean()
