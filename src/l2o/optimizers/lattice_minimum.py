"""The exact minimum of an instance of the Rastrigin family, and a proof that nothing is below it.

f(x) = ||A x - b||^2 / 2 - alpha c^T cos(2 pi x) + alpha n. Write x = z + d, z in the lattice of the
cosines' best points (integers where c_i > 0, integers and a half where c_i < 0) and |d_i| <= 1/2:

    f(x) = bound + ||A (z + d) - b||^2 / 2 + alpha sum |c_i| (1 - cos 2 pi d_i)

with bound = alpha (n - ||c||_1). A minimiser has a small residual, a gradient of zero and no
negative curvature, which keeps d in a box |d_i| <= reach_i; there 1 - cos 2 pi d >= k_i d^2 with
k_i = (1 - cos 2 pi reach_i) / reach_i^2, and to minimise over all d gives

    f(x) >= bound + (A z - b)^T (I + A K^-1 A^T)^-1 (A z - b) / 2,  K = 2 alpha diag(k_i |c_i|),

the distance of b from a lattice in a metric. So all z below a value that is reached can be listed
(:mod:`l2o.optimizers.lattice`), and each box be searched to the end
(:mod:`l2o.optimizers.convex_boxes`): the lowest of their minima is the minimum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from l2o.optimizees.rastrigin import PERIOD, Rastrigin
from l2o.optimizers.convex_boxes import Boxed, is_least
from l2o.optimizers.lattice import points_within, reduced_basis
from l2o.optimizers.local_descent import local_minimum

NEAREST = 60  # wells, at least, from which descent looks for a low value
VISITED = 200_000  # partial lattice points, of a search; beyond, nothing is proven
TOLERANCE = 1e-6  # of f: what lies less below the minimum is not told from it
FLOOR = PERIOD**2 / 2  # 1 - cos 2 pi d = 2 pi^2 d^2 - ...
TINY = 1e-9  # least weight |c_i|; a smaller one changes f by less than the tolerance


@dataclass(frozen=True)
class Minimum:
    """The lowest point found of one instance.

    Parameters
    ----------
    x : (n,) float64
    objective : f(x)
    proven : whether nothing is lower than f(x) - 1e-6, up to rounding
    wells : lattice points whose lower bound does not exceed f(x); 0 where they are too many
    boxes : that had to be searched in these wells
    """

    x: np.ndarray
    objective: float
    proven: bool
    wells: int
    boxes: int


@dataclass(frozen=True)
class _Wells:
    """The lattice of the wells of one instance, with a basis that is short in the wells' metric."""

    A: np.ndarray
    b: np.ndarray
    weights: np.ndarray  # |c|, (n,)
    alpha: float
    shift: np.ndarray  # of the lattice: 1/2 where c_i < 0
    basis: np.ndarray  # integers, one vector a column

    def metric(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return B, t such that f is at least bound + ||B y - t||^2 / 2, z = basis y + shift.

        Parameters
        ----------
        k : 1 - cos 2 pi d_i is at least k_i d_i^2, (n,)
        """
        spread = self.A / (2 * self.alpha * k * self.weights)
        square = np.linalg.inv(np.eye(len(self.b)) + spread @ self.A.T)
        root = np.linalg.cholesky((square + square.T) / 2).T
        return root @ self.A @ self.basis, root @ (self.b - self.A @ self.shift)

    def nearest(self) -> np.ndarray:
        """Return some of the z that are nearest in the metric of the wells' floors, (points, n)."""
        B, target = self.metric(np.full(len(self.b), FLOOR))
        found = np.rint(np.linalg.solve(B, target))[None]
        square = 1.0 + np.square(B @ found[0] - target).sum()
        while len(found) < NEAREST:
            more, _ = points_within(B, target, square, VISITED)
            if more is None:
                break
            found, square = more, 1.5 * square
        return found[:NEAREST] @ self.basis.T + self.shift

    def below(self, k: np.ndarray, excess: float) -> np.ndarray | None:
        """Return all z that may hold an f up to bound + excess, nearest first; None if too many."""
        y, _ = points_within(*self.metric(k), 2 * excess, VISITED)
        return None if y is None else y @ self.basis.T + self.shift

    def reach(self, excess: float) -> np.ndarray:
        """Return the largest |d_i| of a minimiser whose f is at most bound + excess, (n,).

        Its residual has length sqrt(2 excess) at most, so that by a gradient of zero |sin 2 pi d_i|
        <= sine_i; by a curvature that is not negative cos 2 pi d_i >= -cosine_i. Where sine_i^2 +
        cosine_i^2 < 1 the cosine is positive.
        """
        length, amplitude = np.linalg.norm(self.A, axis=0), PERIOD * self.alpha * self.weights
        sine = length * math.sqrt(2 * max(excess, 0.0)) / amplitude
        cosine = length**2 / (PERIOD * amplitude)
        near = np.arcsin(np.minimum(sine, 1.0))
        far = np.arccos(-np.minimum(cosine, 1.0))
        return np.where(sine**2 + cosine**2 < 1, near, far) / PERIOD


def _wells(A: np.ndarray, b: np.ndarray, c: np.ndarray, alpha: float) -> _Wells:
    n, weights = len(c), np.maximum(np.abs(c), TINY)
    shift = np.where(c < 0, 0.5, 0.0)
    plain = _Wells(A, b, weights, alpha, shift, np.eye(n))
    _, U = reduced_basis(plain.metric(np.full(n, FLOOR))[0])
    return _Wells(A, b, weights, alpha, shift, U.astype(float))


def lattice_minimum(f: Rastrigin, known: float = math.inf) -> Minimum:
    """Return the minimum of one instance.

    Descent starts in the wells that are nearest in the metric of their curvature; then the list of
    all wells that may be as low is searched, again if it holds something lower.

    Source: the reduction and the list are those of closest lattice points (Agrell et al. 2002); the
    bounds are ours.

    Parameters
    ----------
    f : a batch of one, float64
    known : a value that is reached somewhere
    """
    A, b, c = (part[0].numpy() for part in (f.A, f.b, f.c))
    wells, bound = _wells(A, b, c, f.alpha), f.lower_bound().item()
    x, best = _lowest(f, wells.nearest())
    while True:
        level = min(best, known)
        excess = level - bound + TOLERANCE
        reach = wells.reach(excess)
        bend = 2 * (np.sin(math.pi * reach) / reach) ** 2  # 1 - cos 2 pi d = 2 sin^2 pi d
        z = wells.below(bend, excess)
        if z is None:
            return Minimum(x, best, False, 0, 0)
        found, value = _lowest(f, z) if len(z) else (x, best)
        lower = value < best - TOLERANCE
        x, best = (found, value) if value < best else (x, best)
        if not lower:
            break
    least, boxes = is_least(Boxed(A, b, c, f.alpha), z - reach, z + reach, level - TOLERANCE)
    return Minimum(x, best, least and best <= level + TOLERANCE, len(z), boxes)


def _lowest(f: Rastrigin, starts: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the lowest minimum that descent from points (points, n) leads to, and its value."""
    x, values = local_minimum(f, torch.from_numpy(starts)[:, None])
    at = int(values[:, 0].argmin())
    return x[at, 0].numpy(), values[at, 0].item()
