"""Any optimizer on a problem with constraints: each step is followed by a projection."""

from __future__ import annotations

from typing import ClassVar, Protocol

from torch import Tensor, nn

from l2o.config.meta_training import AnalyticStart
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer


class Constrained(Optimizee, Protocol):
    """An optimizee whose x are confined to a set that is easy to project onto."""

    def project(self, x: Tensor) -> Tensor:
        """Return the nearest point of the set, (..., batch, n)."""
        ...


class Projected(RecurrentOptimizer):
    """x+ = P(x + dx), where x + dx is what an optimizer makes of x and P projects onto the set.

    It stands for the inner one everywhere, also in meta-training, where derivatives pass through
    P: name, label, hyperparameters, weights and their names are the same, and weights are shared.

    Parameters
    ----------
    inner : the optimizer, with or without learned weights

    Source: Goldstein 1964, "Convex programming in Hilbert space" (gradient projection).
    """

    hyperparameters: ClassVar[Hyperparameters] = {}

    def __init__(self, inner: Optimizer) -> None:
        super().__init__(inner.hyper, None)
        object.__setattr__(self, "inner", inner)  # no submodule: it would prefix all names
        self.name, self.label, self.reference = inner.name, inner.label, inner.reference
        self.hyper, self.hyperparameters = inner.hyper, inner.hyperparameters
        if isinstance(inner, nn.Module):
            self._parameters, self._buffers = inner._parameters, inner._buffers
            self._modules = inner._modules

    @property
    def share(self) -> float:
        """The part of its meta-training that is done, the inner one's."""
        return self.inner.share

    @share.setter
    def share(self, part: float) -> None:
        self.inner.share = part

    def begin(self, start: AnalyticStart) -> None:
        """Take weights under which the inner one is an analytic method; errors as of it."""
        self.inner.begin(start)

    def init(self, optimizee: Constrained, x: Tensor) -> State:
        """Return the state at the start x, (batch, n), which is projected, too."""
        return self.inner.init(optimizee, optimizee.project(x))

    def step(self, optimizee: Constrained, state: State) -> State:
        x, *memory = self.inner.step(optimizee, state)
        return optimizee.project(x), *memory

    def meta_loss(self, optimizee: Constrained, state: State) -> Tensor:
        """Return what meta-training minimises after a step, (), as the inner one says."""
        return self.inner.meta_loss(optimizee, state)
