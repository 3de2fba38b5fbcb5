"""Steps of a rule that sees one tensor at a time, for whoever has its values and its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from l2o.optimizers.recurrent.base import Level
from l2o.optimizers.recurrent.tensorwise import TensorwiseRule

# What it remembers of a tensor, in the order of its state, and what that has a column for; row and
# column means have as many as the tensor has rows and columns.
REMEMBERS: Mapping[str, Level | None] = {
    "count": "count",
    "means": "coordinate",
    "square": "coordinate",
    "lines": None,
}


@dataclass(frozen=True)
class GivenGradient:
    """The optimizee of one step, whose gradient is known.

    Parameters
    ----------
    row : the gradient, (1, n)
    shapes : the shape of the tensor, as the only one
    """

    row: Tensor
    shapes: tuple[tuple[int, ...]]

    def gradient(self, x: Tensor) -> Tensor:
        """Return it, wherever x is."""
        return self.row


@torch.no_grad()
def moved(
    rule: TensorwiseRule, tensor: Tensor, gradient: Tensor, known: Mapping[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a tensor after one step, and what is remembered of it by then.

    Parameters
    ----------
    rule : float32
    tensor : float32, of any shape
    gradient : of the same shape and type
    known : what is remembered, by the names of :data:`REMEMBERS`; further ones do not count; none
        of them at the start
    """
    given = GivenGradient(gradient.reshape(1, -1), (tuple(tensor.shape),))
    x = tensor.reshape(1, -1)
    new = REMEMBERS.keys() - known.keys()
    state = rule.init(given, x) if new else (x, *(known[name] for name in REMEMBERS))
    x, *memory = rule.step(given, state)
    return x.view(tensor.shape), dict(zip(REMEMBERS, memory, strict=True))
