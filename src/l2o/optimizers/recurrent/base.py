"""Bases of recurrent optimizers: what meta-training and users of gradients ask beside the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from l2o.config.meta_training import AnalyticStart
from l2o.errors import InputError
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State
from l2o.optimizers.recurrent.parts import Parts

Level = Literal["coordinate", "part", "instance", "count"]


class RecurrentOptimizer(nn.Module, Optimizer):
    """An optimizer with weights that are meta-trained.

    No derivative is taken through the optimizee's gradient.

    Parameters
    ----------
    hyper : see :class:`Optimizer`
    generator : draws the weights

    Attributes
    ----------
    share : of the epochs of its meta-training that is done, 1 after it; for curricula of its own
    """

    share: float = 1.0

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        nn.Module.__init__(self)
        Optimizer.__init__(self, hyper)

    def begin(self, start: AnalyticStart) -> None:
        """Take weights under which it is an analytic method, instead of those that were drawn.

        Raises
        ------
        InputError : it has no such start.
        """
        raise InputError("meta_training", "start", f"{self.label} has none", "drop this key")

    def meta_loss(self, optimizee: Optimizee, state: State) -> Tensor:
        """Return what meta-training minimises after a step, (): the optimizee's, at the iterate."""
        return optimizee.meta_loss(state[0])


class GradientOptimizer(RecurrentOptimizer):
    """A recurrent optimizer that turns gradients into changes of x and needs nothing else.

    Where x is does not matter to it, so whoever has gradients may keep x. A subclass defines
    ``memory`` and ``change``; its states are (x, what it remembers).

    Attributes
    ----------
    remembers : names of what it remembers, in their order, and what each has a column for: every
        coordinate, every part or every instance; a count is () or has one for every coordinate
    ahead : the next gradient is asked for at x + ahead dx, where dx is the change that was made of
        x; None where it is asked for at the iterate itself
    """

    remembers: ClassVar[Mapping[str, Level]]
    ahead: float | None = None

    @property
    def levels(self) -> Mapping[str, Level]:
        """``remembers``, for all tensors of the memory."""
        return self.remembers

    def memory(self, x: Tensor, parts: Parts) -> State:
        """Return the memory at the start x, (batch, n)."""
        raise NotImplementedError

    def change(self, gradient: Tensor, memory: State, parts: Parts) -> tuple[Tensor, State]:
        """Return the change of x by a step, (batch, n), and the new memory."""
        raise NotImplementedError

    @torch.no_grad()
    def advance(self, gradient: Tensor, memory: State, parts: Parts) -> Tensor:
        """Return the change of x by a step, (1, n), and overwrite the memory by the new one.

        For a single instance, without derivatives: what ``change`` gives, to rounding.
        """
        dx, new = self.change(gradient, memory, parts)
        for tensor, value in zip(memory, new, strict=True):
            tensor.copy_(value)
        return dx
