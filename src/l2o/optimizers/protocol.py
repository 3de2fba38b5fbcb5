"""What all optimizers are: ``init`` at a start, then steps on an optimizee.

It holds for classical and for learned ones, so that one loop runs them all. A state is a tuple of
tensors whose first entry is the iterate x, (batch, n); what a method remembers follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from torch import Tensor

State = tuple[Tensor, ...]
Hyperparameters = Mapping[str, float]


class Optimizer:
    """What a loop needs of an optimizer, and the base of those without learned weights.

    An optimizee is a batch of problem instances. What a method asks of it is said by its kind: the
    gradient alone (first order, recurrent), the operator of two players and its halves (minimax),
    or b, measured with the method's A (classical).

    Parameters
    ----------
    hyper : fixed settings, by name; what is absent takes its default

    A subclass declares ``name``, ``label``, ``reference``, ``hyperparameters`` and their ``ranges``
    as literals and defines ``step``. By default it remembers nothing but x.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reference: ClassVar[str]
    hyperparameters: ClassVar[Hyperparameters]
    ranges: ClassVar[Mapping[str, str]]  # such as "[0, 1)" or "integers [1, 100]"

    def __init__(self, hyper: Hyperparameters) -> None:
        self.hyper = {**self.hyperparameters, **hyper}

    def init(self, optimizee: Any, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        return (x,)

    def step(self, optimizee: Any, state: State) -> State:
        """Return the state after one step."""
        raise NotImplementedError


def iterates(optimizer: Optimizer, optimizee: Any, x: Tensor) -> Iterator[Tensor]:
    """Yield the iterates x_1, x_2, ... from the start x, each (batch, n), without end."""
    state = optimizer.init(optimizee, x)
    while True:
        state = optimizer.step(optimizee, state)
        yield state[0]
