"""Functions on [0, 1]^d that are seen by their values only, and draws from a Gaussian process.

All values are normalised: over the box they have mean 0 and standard deviation 1, so that one
learned optimizer meets the same scale everywhere, and regrets can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from l2o.errors import InputError
from l2o.optimizees.instances import Instances
from l2o.storage.array_sets import read_arrays

SPREAD = 512  # points of the box that a function is normalised by

_HARTMANN_ALPHA = (1.0, 1.2, 3.0, 3.2)
_HARTMANN3 = (
    ((3.0, 10, 30), (0.1, 10, 35), (3.0, 10, 30), (0.1, 10, 35)),
    (
        (0.3689, 0.1170, 0.2673),
        (0.4699, 0.4387, 0.7470),
        (0.1091, 0.8732, 0.5547),
        (0.03815, 0.5743, 0.8828),
    ),
)
_HARTMANN6 = (
    (
        (10.0, 3, 17, 3.5, 1.7, 8),
        (0.05, 10, 17, 0.1, 8, 14),
        (3, 3.5, 1.7, 10, 17, 8),
        (17, 8, 0.05, 10, 0.1, 14),
    ),
    (
        (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
        (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
        (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
        (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
    ),
)


def branin(x: Tensor) -> Tensor:
    """Return Branin's function, (...), at x, (..., 2), of [-5, 10] x [0, 15]."""
    a, b = x.unbind(dim=-1)
    wave = 10 * (1 - 1 / (8 * math.pi)) * a.cos()
    return (b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6) ** 2 + wave + 10


def _hartmann(rates: Sequence, centres: Sequence) -> Callable[[Tensor], Tensor]:
    def value(x: Tensor) -> Tensor:
        A, P, alpha = (x.new_tensor(part) for part in (rates, centres, _HARTMANN_ALPHA))
        return -((-(A * (x.unsqueeze(-2) - P).square()).sum(dim=-1)).exp() * alpha).sum(dim=-1)

    return value


def rastrigin(x: Tensor) -> Tensor:
    """Return Rastrigin's function, (...), at x, (..., n)."""
    return 10 * x.shape[-1] + (x.square() - 10 * (2 * math.pi * x).cos()).sum(dim=-1)


class Function(NamedTuple):
    """A test function: its value, the ends of its box in each unknown, one of its minimisers."""

    value: Callable[[Tensor], Tensor]
    low: tuple[float, ...]
    high: tuple[float, ...]
    minimiser: tuple[float, ...]


# Rastrigin's usual box, [-5.12, 5.12]^2, is moved: else its minimum is in the centre, where some
# methods look first.
FUNCTIONS = {
    "branin": Function(branin, (-5, 0), (10, 15), (math.pi, 2.275)),
    "hartmann3": Function(
        _hartmann(*_HARTMANN3), (0,) * 3, (1,) * 3, (0.114589, 0.555649, 0.852547)
    ),
    "hartmann6": Function(
        _hartmann(*_HARTMANN6),
        (0,) * 6,
        (1,) * 6,
        (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.657300),
    ),
    "rastrigin": Function(rastrigin, (-3.62,) * 2, (6.62,) * 2, (0, 0)),
}
DRAWS = "draws"  # in place of a function: draws from a Gaussian process


@dataclass(frozen=True)
class Known(Instances):
    """One test function as often as there are runs, normalised. Source: Surjanovic & Bingham 2013.

    Parameters
    ----------
    first : queries that runs begin with, (batch, d)
    centre, deviation : mean and standard deviation of f over the box, (batch,)
    function : one of :data:`FUNCTIONS`
    """

    first: Tensor
    centre: Tensor
    deviation: Tensor
    function: str = ""

    def objective(self, x: Tensor) -> Tensor:
        """Return the normalised value, (..., batch), at x, (..., batch, d), of the unit box."""
        f = FUNCTIONS[self.function]
        low, high = x.new_tensor(f.low), x.new_tensor(f.high)
        return (f.value(low + (high - low) * x) - self.centre) / self.deviation

    def minimiser(self) -> Tensor:
        """Return a known minimiser, in the unit box, (d,) float64."""
        f = FUNCTIONS[self.function]
        low, high, at = (torch.tensor(part, dtype=torch.float64) for part in f[1:])
        return (at - low) / (high - low)


@dataclass(frozen=True)
class Draws(Instances):
    """Draws from a Gaussian process: f(x) = sqrt(2 / M) sum_m w_m cos(omega_m^T x + b_m).

    Differentiable, the same from the same numbers, and exact as M grows. Source: Rahimi & Recht
    2007, *Random features for large-scale kernel machines*.

    Parameters
    ----------
    frequencies, phases, weights : omega (batch, M, d), b (batch, M), sqrt(2 / M) w (batch, M)
    first, centre, deviation : see :class:`Known`
    """

    frequencies: Tensor
    phases: Tensor
    weights: Tensor
    first: Tensor
    centre: Tensor
    deviation: Tensor

    def objective(self, x: Tensor) -> Tensor:
        """Return the normalised value, (..., batch), at x, (..., batch, d), of the unit box."""
        flat = x.reshape(-1, *x.shape[-2:]).transpose(0, 1)  # (batch, points, d)
        angles = torch.baddbmm(self.phases.unsqueeze(1), flat, self.frequencies.mT)
        found = (angles.cos() @ self.weights.unsqueeze(-1)).squeeze(-1).T.reshape(x.shape[:-1])
        return (found - self.centre) / self.deviation

    def normalised(self) -> Self:
        """Return the draws with their own mean and standard deviation over the box."""
        centre, deviation = spread(self)
        return type(self)(
            self.frequencies, self.phases, self.weights, self.first, centre, deviation
        )


def spread(f: Instances) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of functions over the box, (batch,) each.

    They are taken over :data:`SPREAD` points of a Sobol sequence.
    """
    points = SobolEngine(f.first.shape[-1]).draw(SPREAD).to(f.first)
    values = f.objective(points.unsqueeze(1).expand(-1, len(f), -1))
    return values.mean(dim=0), values.std(dim=0)


def drawn(
    random: np.random.Generator,
    count: int,
    dimension: int,
    features: int,
    lengthscales: tuple[float, float],
    precision: torch.dtype = torch.float64,
) -> Draws:
    """Return ``count`` normalised draws, with first queries that are uniform in the box.

    The kernel is squared-exponential, alike in all directions; the lengthscale of each draw is
    uniform between two ends, in units of the box.

    Parameters
    ----------
    features : cosines M of a draw
    lengthscales : the lowest and the highest
    precision : of all numbers
    """
    shape, (low, high) = (count, features), lengthscales
    scale = low + (high - low) * random.random((count, 1, 1))
    frequencies = random.standard_normal((*shape, dimension)) / scale
    phases = 2 * math.pi * random.random(shape)
    weights = math.sqrt(2 / features) * random.standard_normal(shape)
    first = random.random((count, dimension))
    arrays = (frequencies, phases, weights, first)
    arrays = [torch.from_numpy(array).to(precision) for array in arrays]
    one = torch.ones(count, dtype=precision)
    return Draws(*arrays, torch.zeros_like(one), one).normalised()


def known(random: np.random.Generator, count: int, function: str) -> Known:
    """Return a test function, normalised, ``count`` times, with first queries as :func:`drawn`."""
    first = torch.from_numpy(random.random((count, len(FUNCTIONS[function].low))))
    one = torch.ones(count, dtype=torch.float64)
    centre, deviation = spread(Known(first, torch.zeros_like(one), one, function))
    return Known(first, centre, deviation, function)


def load_black_box(path: Path, function: str) -> Draws | Known:
    """Return the functions of a stored set, float64, with the first queries of their runs.

    Raises
    ------
    InputError : see :func:`l2o.storage.array_sets.read_arrays`; the set is of something else.
    """
    tensors = {name: torch.from_numpy(array) for name, array in read_arrays(path, "test").items()}
    try:
        return Draws(**tensors) if function == DRAWS else Known(**tensors, function=function)
    except TypeError as error:
        problem = f"its arrays ({', '.join(tensors)}) are not those of {function}"
        raise InputError(path, "test", problem, "draw the set again") from error


class Asked:
    """Functions that answer with values alone, in the box alone, and write down what is asked.

    Parameters
    ----------
    f : the functions

    Attributes
    ----------
    points, values : of all queries, in their order, (batch, d) and (batch,) each
    """

    def __init__(self, f: Instances) -> None:
        self._f, self.points, self.values = f, [], []

    def objective(self, x: Tensor) -> Tensor:
        """Return values, (..., batch), at x, (..., batch, d).

        Raises
        ------
        ValueError : a point is not in the box, or not finite.
        """
        if not bool(((x >= 0) & (x <= 1)).all()):
            raise ValueError("a query is not in the box [0, 1]^d")
        found = self._f.objective(x)
        self.points += x.detach().reshape(-1, *x.shape[-2:]).unbind()
        self.values += found.detach().reshape(-1, found.shape[-1]).unbind()
        return found
