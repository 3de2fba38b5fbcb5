"""A batch of instances of a family, told by its tensors: all that a new problem has to define."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Instances:
    """Optimizee and family at once: a subclass names its tensors and defines ``objective``.

    Every field that is a tensor has the instances on its first axis. The gradient is taken by
    automatic differentiation; a subclass may define a quicker one.
    """

    def objective(self, x: Tensor) -> Tensor:
        """Return the objective, (..., batch), at x, (..., batch, n)."""
        raise NotImplementedError

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, (..., batch, n), at x, (..., batch, n)."""
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.objective(at).sum(), at)
        return gradient

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return what meta-training minimises, the mean objective of all points, ()."""
        return self.objective(x).mean()

    @property
    def dimension(self) -> int:
        """The number of unknowns n: by default the last axis of the first tensor."""
        return self._tensors()[0].shape[-1]

    def __len__(self) -> int:
        return len(self._tensors()[0])

    def batch(self, index: Tensor) -> Self:
        """Return the instances ``index``, (batch,)."""
        return self._changed(lambda tensor: tensor[index])

    def to(self, kind: torch.dtype | torch.device) -> Self:
        """Return the same instances in another precision or on another device."""
        return self._changed(lambda tensor: tensor.to(kind))

    def _tensors(self) -> list[Tensor]:
        values = (getattr(self, field.name) for field in fields(self))
        return [value for value in values if isinstance(value, Tensor)]

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {name: change(v) for name, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **changed)
