"""Proximal-gradient steps on optimizees that are told in their parts; classical methods there."""

from __future__ import annotations

from typing import NoReturn

from torch import Tensor

from l2o.errors import InputError
from l2o.optimizees.protocol import Composite
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import Optimizer


def proximal_gradient(f: Composite, x: Tensor) -> Tensor:
    """Return T x = prox_{h / L}(x - grad s(x) / L), (batch, n): of f = s + h, with its own L."""
    step = 1.0 / f.lipschitz
    return f.proximal(x - step * f.smooth_gradient(x), step)


class _OnParts:
    """What makes of a solver for one A a solver for the optimizee that it is given."""

    def __init__(self, f: Composite) -> None:
        Optimizer.__init__(self, {})
        self.f = f

    def __getattr__(self, name: str) -> NoReturn:
        """Tell who asks for the one A that there is not.

        Raises
        ------
        InputError : it is asked for.
        AttributeError : something else is.
        """
        if name not in ("A", "lipschitz"):
            raise AttributeError(name)
        problem = f"needs {name} itself, and here every instance has its own"
        raise InputError("classical", self.name, problem, "drop it")

    def proximal_gradient(self, y: Tensor, b: Tensor) -> Tensor:
        """Return one step from y; b is the optimizee's own."""
        return proximal_gradient(self.f, y)


def on_parts(method: type[ClassicalSolver], f: Composite) -> Optimizer:
    """Return a method for an optimizee f, which it is asked about alone.

    It has to take no other steps than ``proximal_gradient``, as ISTA and FISTA do. These
    are 1 / L with the exact L of each instance, where a solver for one A has an L that is larger by
    a thousandth.

    Raises
    ------
    InputError : from its steps, if they need A itself.
    """
    return type(method.__name__, (_OnParts, method), {})(f)
