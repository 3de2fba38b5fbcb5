"""The protocol of optimizers that see gradients only: ``init``, then steps.

It holds for hand-made and for learned ones, so that one loop runs them all. A state is a tuple of
tensors whose first entry is the iterate x, (batch, n); what a method remembers follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from torch import Tensor

State = tuple[Tensor, ...]


class FirstOrderOptimizer(Protocol):
    """What a loop needs of an optimizer; the head is declared as literals."""

    name: ClassVar[str]
    label: ClassVar[str]
    reference: ClassVar[str]
    hyperparameters: ClassVar[Mapping[str, float]]

    def init(self, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        ...

    def step(self, state: State, gradient: Tensor) -> State:
        """Return the state after one step with the gradient at the iterate, (batch, n)."""
        ...
