"""Base of recurrent optimizers: what meta-training asks of them beside the steps."""

from __future__ import annotations

from typing import ClassVar

from torch import Generator, Tensor, nn

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, State


class RecurrentOptimizer(nn.Module):
    """An optimizer with weights that are meta-trained.

    Parameters
    ----------
    hyper : fixed settings, by name; what is absent takes its default
    generator : draws the weights

    A subclass declares ``name``, ``label``, ``reference`` and ``hyperparameters`` as literals.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reference: ClassVar[str]
    hyperparameters: ClassVar[Hyperparameters]

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__()
        self.hyper = {**self.hyperparameters, **hyper}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        raise NotImplementedError

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after one step; no derivative is taken through the gradient."""
        raise NotImplementedError

    def meta_loss(self, optimizee: Optimizee, state: State) -> Tensor:
        """Return what meta-training minimises after a step, (): the optimizee's, at the iterate."""
        return optimizee.meta_loss(state[0])
