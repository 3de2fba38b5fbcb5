"""The minimum of an instance of the Rastrigin family with n = 2, by an exhaustive grid.

It knows nothing of the oracle's way of searching and can therefore check it.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from l2o.optimizees.rastrigin import Rastrigin
from l2o.optimizers.local_descent import local_minimum

SPACING = 1 / 24  # of the grid
LARGEST = 200_000  # points of a grid that is searched; a nearly singular A would need more


def covering_grid(
    A: np.ndarray, b: np.ndarray, c: np.ndarray, level: float, alpha: float
) -> np.ndarray:
    """Return grid points that cover {x : f(x) <= level}, (points, 2); none if too many.

    f(x) <= level implies ||A x - b|| <= rho with rho^2 / 2 = level - 2 alpha + alpha ||c||_1: an
    ellipse around the solution of A x = b, as long as rho over the least singular value.

    Parameters
    ----------
    A : (2, 2)
    b, c : (2,)
    level, alpha : see above
    """
    rho = math.sqrt(2 * max(level - 2 * alpha + alpha * np.abs(c).sum(), 0.0))
    wide = rho + np.linalg.norm(A, 2) * SPACING  # with the grid's neighbours of its points
    inverse = np.linalg.inv(A)
    middle, half = inverse @ b, wide * np.linalg.norm(inverse, axis=1)
    first = np.arange((middle - half)[0] // SPACING, (middle + half)[0] // SPACING + 2) * SPACING
    if len(first) > LARGEST:
        return np.empty((0, 2))
    rest = b - first[:, None] * A[:, 0]  # for each x_1 an interval of x_2
    square = A[:, 1] @ A[:, 1]
    centre = rest @ A[:, 1] / square
    length = np.sqrt(np.maximum(wide**2 - (rest**2).sum(1) + centre**2 * square, 0.0) / square)
    low, high = (centre - length) // SPACING, (centre + length) // SPACING + 1
    if (high - low + 1).sum() > LARGEST:
        return np.empty((0, 2))
    columns = [
        np.stack([np.full(int(last - at) + 1, x), np.arange(at, last + 1) * SPACING], axis=1)
        for x, at, last in zip(first, low, high, strict=True)
    ]
    return np.concatenate(columns)


def exhaustive_minimum(f: Rastrigin, level: float) -> float:
    """Return the minimum of one instance with n = 2, or NaN where the grid would be too large.

    A grid point lies within h / sqrt(2) of the minimiser, where f is at most L h^2 / 4 above the
    minimum, L the largest curvature; descent from all grid points that low finds it.

    Parameters
    ----------
    f : a batch of one, float64
    level : a value of f that some point is known to reach
    """
    A, b, c = (part[0].numpy() for part in (f.A, f.b, f.c))
    grid = covering_grid(A, b, c, level, f.alpha)
    if not len(grid):
        return math.nan
    points = torch.from_numpy(grid)[:, None]
    values = f.objective(points)[:, 0]
    waves = 4 * math.pi**2 * f.alpha * np.abs(c).max()
    curvature = np.linalg.norm(A, 2) ** 2 + waves
    low = values <= values.min() + curvature * SPACING**2 / 4
    return local_minimum(f, points[low])[1].min().item()
