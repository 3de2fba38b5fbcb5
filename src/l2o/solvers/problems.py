"""Families of problems that users write: the base of their class, its checks, its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.optimizees.instances import Instances
from l2o.optimizees.protocol import Wrapped

LEAST = 20  # problems that a family has
SHARES = (0.7, 0.85)  # of the problems, shuffled: training up to here, validation up to there
FLOOR = 1e-5  # of the drop, which float32 can just tell
CLASS = "derive the class from l2o.Problems and put @dataclass(frozen=True) above it"
SHAPES = "take points x of shape (..., batch, n), and return (..., batch)"
MIXED = 1e-6  # relative difference by which a problem may differ alone and among others


class Problems(Instances):
    """Problems of a family, each with data of its own: min f(x) over x with n unknowns.

    A subclass is a frozen dataclass whose fields are tensors, the problems on their first axis, and
    defines ``objective``, for points (..., batch, n); the gradient is taken by automatic
    differentiation. Where n is not the last axis of the first tensor, it defines ``dimension``.

        @dataclass(frozen=True)
        class Quadratic(l2o.Problems):
            b: Tensor  # (problems, n)

            def objective(self, x):
                return (x - self.b).square().sum(dim=-1)
    """

    def to(self, kind: torch.dtype | torch.device) -> Self:
        """Return the same problems in another precision or on another device.

        Whole numbers and truth values, such as labels, stay what they are.
        """
        if not isinstance(kind, torch.dtype):
            return super().to(kind)
        return self._changed(lambda t: t.to(kind) if t.is_floating_point() else t)


def checked_problems(family: Any, start_scale: float) -> Instances:
    """Return a family in float64, on the CPU; its objective is tried at a few points.

    Raises
    ------
    InputError : another class, no tensors, few problems, numbers that are not finite, an objective
        that fails, has another shape, mixes problems or is not differentiable.
    """
    if not isinstance(family, Instances):
        raise InputError("family", "", f"{_named(family)} is no family of problems", CLASS)
    name, tensors = type(family).__name__, dict(_tensors(family))
    if not tensors:
        raise InputError(name, "", "has no fields that are tensors", CLASS)
    first = next(iter(tensors.values()))
    for field, tensor in tensors.items():
        if not tensor.ndim or len(tensor) != len(first):
            problem = f"has shape {tuple(tensor.shape)}, others {tuple(first.shape)}"
            raise InputError(name, field, problem, "put the problems on the first axis")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(name, field, "holds NaN or infinity", "remove these problems")
    if len(family) < LEAST:
        raise InputError(name, "", f"{len(family)} problems are few", f"give {LEAST} or more")
    n = family.dimension
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise InputError(name, "dimension", f"is {n!r}", "return the number of unknowns")
    made = replace(family, **{field: tensor.detach().cpu() for field, tensor in tensors.items()})
    _try(made, name, n, start_scale)
    return made.to(torch.float64)


def _tensors(family: Instances) -> Iterator[tuple[str, Tensor]]:
    for field in fields(family):
        value = getattr(family, field.name)
        if isinstance(value, np.ndarray):
            problem = "is an array of NumPy"
            raise InputError(type(family).__name__, field.name, problem, "use torch.from_numpy")
        if isinstance(value, Tensor):
            yield field.name, value


def _try(family: Instances, name: str, n: int, start_scale: float) -> None:
    """Ask for a few values and gradients."""
    generator = torch.Generator().manual_seed(0)
    x = start_scale * torch.randn(3, 2, n, generator=generator, dtype=torch.float64)
    try:
        two, one = (family.batch(torch.tensor(i)).to(torch.float64) for i in ([0, 1], [1]))
        values, alone = two.objective(x), one.objective(x[:, 1:])
        shape = tuple(getattr(values, "shape", ()))
    except Exception as error:
        problem = f"fails at x of shape (3, 2, {n}): {_text(error)}"
        raise InputError(name, "objective", problem, SHAPES) from error
    if not isinstance(values, Tensor) or shape != (3, 2):
        problem = f"returns {_named(values)} of shape {shape}, not (3, 2), for x of (3, 2, {n})"
        raise InputError(name, "objective", problem, SHAPES)
    if not values.isfinite().all():
        problem = f"is not finite at starts of standard deviation {start_scale:g}"
        raise InputError(name, "objective", problem, "lower start_scale")
    if not torch.allclose(values[:, 1:], alone, rtol=MIXED, atol=MIXED):
        problem = "is another number for a problem alone than among others"
        raise InputError(name, "objective", problem, "use no sums over the axis of the problems")
    try:
        gradient = two.gradient(x[0])
        sound = gradient.shape == x[0].shape and bool(gradient.isfinite().all())
    except RuntimeError as error:
        problem = f"is not differentiable: {_text(error)}"
        raise InputError(name, "objective", problem, "use torch, and detach nothing") from error
    if not sound:
        problem = "is not finite, or of another shape than x"
        raise InputError(name, "gradient", problem, "smooth the objective where it is infinite")


def parts(family: Instances, seed: int) -> tuple[Instances, Instances, Instances]:
    """Return the problems to train, to validate and to compare on, shuffled."""
    count = len(family)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    first, second = (round(share * count) for share in SHARES)
    return tuple(family.batch(index) for index in order.tensor_split([first, second]))


@dataclass(frozen=True)
class Gauged(Wrapped):
    """A family whose meta-loss says how far a point is from the lowest one known.

    The mean of asinh(1e5 (f - lowest) / drop), a logarithm that goes on below 0, where a point is
    lower than all known ones: every problem counts alike, whatever its units, and late steps count
    as much as early ones, whose gains are larger by far.

    Parameters
    ----------
    inner : the problems
    lowest : f at the lowest point known, (problems,)
    drop : from the start until there, above 0, (problems,)
    """

    inner: Instances
    lowest: Tensor
    drop: Tensor

    @property
    def dimension(self) -> int:
        """The number of unknowns n."""
        return self.inner.dimension

    def __len__(self) -> int:
        return len(self.inner)

    def batch(self, index: Tensor) -> Gauged:
        """Return the problems ``index``, (batch,)."""
        return Gauged(self.inner.batch(index), self.lowest[index], self.drop[index])

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return what meta-training minimises, of all points together, ()."""
        gap = (self.objective(x) - self.lowest) / self.drop
        return (gap / FLOOR).asinh().mean()


def _named(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    return f"{'the class' if kind is value else 'a'} {kind.__name__}"


def _text(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
