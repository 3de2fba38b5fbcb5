"""Proximal-gradient steps on optimizees that are told in their parts; classical methods there."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Composite
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import Optimizer

KNOWN = ("ista", "fista", "fista_restart")  # classical methods that take no other step than this


def proximal_gradient(f: Composite, x: Tensor) -> Tensor:
    """Return T x = prox_{h / L}(x - grad s(x) / L), (batch, n): of f = s + h, with its own L."""
    step = 1.0 / f.lipschitz
    return f.proximal(x - step * f.smooth_gradient(x), step)


class _OnParts:
    """What makes of a solver for one A a solver for the optimizee that it is given."""

    def __init__(self, f: Composite) -> None:
        Optimizer.__init__(self, {})
        self.f = f

    def proximal_gradient(self, y: Tensor, b: Tensor) -> Tensor:
        """Return one step from y; b is the optimizee's own."""
        return proximal_gradient(self.f, y)


def on_parts(method: type[ClassicalSolver], f: Composite) -> Optimizer:
    """Return one of the :data:`KNOWN` methods for an optimizee f, which it is asked about alone.

    Its steps are 1 / L with the exact L of each instance, where those of a solver for one A have an
    L that is larger by a thousandth.

    Raises
    ------
    ValueError : a method that needs A itself.
    """
    if method.name not in KNOWN:
        raise ValueError(f"{method.name} is none of {', '.join(KNOWN)}")
    return type(method.__name__, (_OnParts, method), {})(f)
