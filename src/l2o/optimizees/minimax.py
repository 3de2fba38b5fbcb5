"""Minimax problems: one player chooses x and wants f(x, y) low, the other y and wants it high.

Both are one iterate z = (x, y), (..., batch, 2 n). What optimizers ask for as the gradient is the
operator F(z) = (df/dx, -df/dy), a zero of which is a solution; what they are held by, as the
objective, is how far z is from the nearest solution. So the loops of minimisation run them, too.

Problems of Shen, Chen, Heaton, Chen, Liu, Yin & Wang 2021, "Learning a minimax optimizer: a pilot
study" (ICLR), section 4. Their solutions lie at 0 (or at x = k / a), which a net might learn by
heart: here every instance has a ``solution`` of its own, which may be 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.optimizees.instances import Instances

LOWEST = 1e-30  # errors below are nothing to train or to choose by
SINGULAR = 1e-9  # a matrix is, if its smallest singular value is less of its largest one


@dataclass(frozen=True)
class Minimax(Instances):
    """A batch of instances. A subclass defines ``slopes``, ``value`` and perhaps ``apart``.

    Parameters
    ----------
    solution : (x*, y*), (batch, 2 n); of several solutions one
    """

    solution: Tensor

    def value(self, u: Tensor, v: Tensor) -> Tensor:
        """Return f, (..., batch), at x = x* + u, y = y* + v, (..., batch, n) each."""
        raise NotImplementedError

    def slopes(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return df/dx and df/dy there, (..., batch, n) each."""
        raise NotImplementedError

    def apart(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the way from the nearest solution, of x and of y, (..., batch, n) each."""
        return u, v

    def players(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return u = x - x* and v = y - y*, (..., batch, n) each."""
        return (z - self.solution).chunk(2, dim=-1)

    def payoff(self, z: Tensor) -> Tensor:
        """Return f(x, y), (..., batch)."""
        return self.value(*self.players(z))

    def gradient(self, z: Tensor) -> Tensor:
        """Return F(z) = (df/dx, -df/dy), (..., batch, 2 n)."""
        down, up = self.slopes(*self.players(z))
        return torch.cat([down, -up], dim=-1)

    def partial(self, z: Tensor, player: int) -> Tensor:
        """Return the part of F that one player goes against, (..., batch, n): 0 for x, 1 for y."""
        down, up = self.slopes(*self.players(z))
        return -up if player else down

    def distance(self, z: Tensor) -> Tensor:
        """Return |x - x*|_1 + |y - y*|_1 to the nearest solution, (..., batch)."""
        return sum(way.abs().sum(dim=-1) for way in self.apart(*self.players(z)))

    def objective(self, z: Tensor) -> Tensor:
        """Return how far z is from a solution, (..., batch)."""
        return self.distance(z)

    def meta_loss(self, z: Tensor) -> Tensor:
        """Return the mean logarithm of the objective, base 10, by which nets are chosen, ()."""
        return self.objective(z).clamp_min(LOWEST).log10().mean()


@dataclass(frozen=True)
class Saddle(Minimax):
    """f = a u^2 - b v^2 + 2 c u v; c = 0: saddle, c = 1: rotated saddle.

    ``a``, ``b`` and ``c`` are (batch, 1).
    """

    a: Tensor
    b: Tensor
    c: Tensor

    def value(self, u: Tensor, v: Tensor) -> Tensor:
        return (self.a * u * u - self.b * v * v + 2 * self.c * u * v).sum(dim=-1)

    def slopes(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * (self.a * u + self.c * v), 2 * (self.c * u - self.b * v)


@dataclass(frozen=True)
class Seesaw(Minimax):
    """f = -b v sin(a pi u): neither convex nor concave; the solutions are v = 0, u = k / a.

    ``a`` and ``b`` are (batch, 1), positive.
    """

    a: Tensor
    b: Tensor

    def value(self, u: Tensor, v: Tensor) -> Tensor:
        return (-self.b * v * (self.a * math.pi * u).sin()).sum(dim=-1)

    def slopes(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        turn = self.a * math.pi
        return -self.b * turn * v * (turn * u).cos(), -self.b * (turn * u).sin()

    def apart(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        return u - (self.a * u).round() / self.a, v


@dataclass(frozen=True)
class Game(Minimax):
    """f = u^T A v, an unconstrained matrix game whose only solution is the given one.

    ``A`` is (batch, n, n), regular.
    """

    A: Tensor

    def value(self, u: Tensor, v: Tensor) -> Tensor:
        return torch.einsum("...bi,bij,...bj->...b", u, self.A, v)

    def slopes(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        down = torch.einsum("bij,...bj->...bi", self.A, v)
        return down, torch.einsum("bij,...bi->...bj", self.A, u)

    def gap(self, z: Tensor) -> Tensor:
        """Return the duality gap, (..., batch), where neither may go further than 1 from (x*, y*).

        max_y' f(x, y') - min_x' f(x', y) = |A^T u|_1 + |A v|_1, of coordinates in a box.
        """
        return sum(slope.abs().sum(dim=-1) for slope in self.slopes(*self.players(z)))


@dataclass(frozen=True)
class SingularGame(Game):
    """A matrix game with whole planes of solutions, held by its duality gap.

    Gradients have no part in the kernels of A and A^T, so that every method keeps that of its
    start: the distance to (x*, y*) would measure the start.
    """

    def objective(self, z: Tensor) -> Tensor:
        """Return the duality gap, (..., batch)."""
        return self.gap(z)


PROBLEMS: Mapping[str, type[Minimax]] = {
    "saddle": Saddle,
    "rotated": Saddle,
    "seesaw": Seesaw,
    "game": Game,
    "singular_game": SingularGame,
}


def draw(
    random: np.random.Generator, count: int, size: int, law: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Return the arrays of ``count`` instances by name, for the class in :data:`PROBLEMS`.

    Parameters
    ----------
    size : unknowns of both players together, 2 n
    law : ``problem``; ``a`` and ``b``, (lowest, highest) of the uniform law of each; ``density``,
        P(A_ij != 0), non-zeros uniform in [0.5, 1]; ``shift``: (x*, y*) is uniform in [-shift,
        shift]^(2 n)
    """
    arrays = {"solution": law["shift"] * random.uniform(-1, 1, (count, size))}
    if law["problem"] in ("game", "singular_game"):
        wanted = law["problem"] == "singular_game"
        return arrays | {"A": _matrices(random, count, size // 2, law["density"], wanted)}
    arrays |= {name: random.uniform(*law[name], (count, 1)) for name in ("a", "b")}
    if law["problem"] != "seesaw":
        arrays["c"] = np.full((count, 1), float(law["problem"] == "rotated"))
    return arrays


def _matrices(
    random: np.random.Generator, count: int, n: int, density: float, singular: bool
) -> np.ndarray:
    """Return matrices, (count, n, n), all singular or all regular: the others are drawn again."""
    kept: list[np.ndarray] = []
    while len(kept) < count:
        drawn = random.uniform(0.5, 1.0, (count, n, n))
        drawn *= random.random((count, n, n)) < density
        values = np.linalg.svd(drawn, compute_uv=False)
        is_singular = values[:, -1] <= SINGULAR * values[:, 0]
        kept += [*drawn[is_singular == singular]]
    return np.stack(kept[:count])
