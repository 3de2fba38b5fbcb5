"""Learned optimizers and solvers, and the benchmark that they come from.

The names below are served when they are first asked for, so that ``import l2o`` takes no time. They
are for users: no module of this package may import them from here, see docs/proofs.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from l2o import sklearn, torch, weights
    from l2o.solvers.comparison import compare
    from l2o.solvers.fit import fit
    from l2o.solvers.meta_fit import meta_fit, minimise
    from l2o.solvers.opening import load, solver
    from l2o.solvers.problems import Problems
    from l2o.solvers.solver import Solution, Solver
    from l2o.version import __version__

__all__ = [
    "Problems",
    "Solution",
    "Solver",
    "__version__",
    "compare",
    "fit",
    "load",
    "meta_fit",
    "minimise",
    "sklearn",
    "solver",
    "torch",
    "weights",
]
# Where each name is defined; a module itself where that is its name.
_PLACES = {
    "Problems": "l2o.solvers.problems",
    "Solution": "l2o.solvers.solver",
    "Solver": "l2o.solvers.solver",
    "__version__": "l2o.version",
    "compare": "l2o.solvers.comparison",
    "fit": "l2o.solvers.fit",
    "load": "l2o.solvers.opening",
    "meta_fit": "l2o.solvers.meta_fit",
    "minimise": "l2o.solvers.meta_fit",
    "sklearn": "l2o.sklearn",
    "solver": "l2o.solvers.opening",
    "torch": "l2o.torch",
    "weights": "l2o.weights",
}


def __getattr__(name: str) -> Any:
    """Return a public name, imported now."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = _PLACES[name]
    found = import_module(place)
    value = found if place == f"{__name__}.{name}" else getattr(found, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, and what modules have besides."""
    return sorted({*globals(), *__all__})
