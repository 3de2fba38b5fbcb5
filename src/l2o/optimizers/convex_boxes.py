"""Whether an instance of the Rastrigin family falls below a level anywhere in some boxes.

Branch and bound: in a box f is bounded from below by a convex function, f itself where its
curvature is nowhere negative there; a box whose bound is below the level is halved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from l2o.optimizees.rastrigin import PERIOD

BOXES = 20_000  # that are looked at before the search gives up


@dataclass(frozen=True)
class Boxed:
    """One instance, at single points: A (n, n), b (n,), c (n,)."""

    A: np.ndarray
    b: np.ndarray
    c: np.ndarray
    alpha: float

    def objective(self, x: np.ndarray) -> float:
        """Return f at x, (n,)."""
        r = self.A @ x - self.b
        return 0.5 * r @ r + self.alpha * (len(x) - self.c @ np.cos(PERIOD * x))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Return the gradient at x, (n,)."""
        waves = PERIOD * self.alpha * self.c * np.sin(PERIOD * x)
        return self.A.T @ (self.A @ x - self.b) + waves

    def curvatures(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest second derivative of each cosine in a box, (n,)."""
        # c_i cos 2 pi x is extreme at the ends, and c_i at whole x, -c_i in the middle between.
        ends = self.c * np.cos(PERIOD * np.stack([low, high]))
        whole = np.where(np.ceil(low) <= high, self.c, ends[0])
        half = np.where(np.ceil(low - 0.5) <= high - 0.5, -self.c, ends[0])
        reached = PERIOD**2 * self.alpha * np.stack([*ends, whole, half])
        return reached.min(axis=0), reached.max(axis=0)


def is_least(
    f: Boxed, lows: np.ndarray, highs: np.ndarray, level: float, limit: int = BOXES
) -> tuple[bool, int]:
    """Return whether no minimiser in the boxes has an f below ``level``, and the boxes looked at.

    A box without a point whose Hessian is positive semidefinite holds no minimiser. Else f plus
    s/2 sum (x_i - low_i)(x_i - high_i) over the coordinates whose cosine may bend downwards is
    below f, and convex for the s that the Hessian needs: the tangent at its minimum bounds it.

    Source: the convex bound of Adjiman et al. 1998 (alpha BB).

    Parameters
    ----------
    lows, highs : corners of the boxes, (boxes, n)
    level : value of f
    limit : boxes that are looked at; beyond, the answer is no
    """
    waiting, gram = list(zip(lows, highs, strict=True)), f.A.T @ f.A
    looked = 0
    while waiting:
        if looked == limit:
            return False, looked
        looked += 1
        low, high = waiting.pop()
        least, largest = f.curvatures(low, high)
        if np.linalg.eigvalsh(gram + np.diag(largest))[0] < 0:
            continue
        loose = least < 0
        lift = _lift(gram + np.diag(least), loose) * loose
        if _bound(f, low, high, lift) >= level:
            continue
        if not lift.any():
            return False, looked
        at = np.argmax(lift * (high - low))
        middle = (low[at] + high[at]) / 2
        for start, end in ((low[at], middle), (middle, high[at])):
            new_low, new_high = low.copy(), high.copy()
            new_low[at], new_high[at] = start, end
            waiting.append((new_low, new_high))
    return True, looked


def _lift(H: np.ndarray, loose: np.ndarray) -> float:
    """Return the s >= 0 for which H plus s on the ``loose`` part of its diagonal is convex."""
    if not loose.any():
        return 0.0
    tight = ~loose
    rest = H[np.ix_(loose, loose)]
    if tight.any():
        cross = H[np.ix_(tight, loose)]
        rest = rest - cross.T @ np.linalg.solve(H[np.ix_(tight, tight)], cross)
    return max(0.0, -float(np.linalg.eigvalsh(rest)[0]))


def _bound(f: Boxed, low: np.ndarray, high: np.ndarray, lift: np.ndarray) -> float:
    """Return a lower bound of f in a box: the tangent of the lifted f, at about its minimum."""

    def lifted(x: np.ndarray) -> tuple[float, np.ndarray]:
        value = f.objective(x) + 0.5 * lift @ ((x - low) * (x - high))
        return value, f.gradient(x) + lift * (x - (low + high) / 2)

    options = {"ftol": 0.0, "gtol": 1e-9, "maxiter": 1000}
    start, bounds = (low + high) / 2, np.stack([low, high], axis=1)
    x = minimize(lifted, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    value, slope = lifted(x)
    return value + np.minimum(slope * (low - x), slope * (high - x)).sum()
