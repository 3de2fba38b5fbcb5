"""The momentum sequence of FISTA."""

from __future__ import annotations

import math


def fista_momentum(iterations: int) -> list[float]:
    """Return beta_k = (t_k - 1) / t_{k+1}, t_1 = 1, t_{k+1} = (1 + sqrt(1 + 4 t_k^2)) / 2.

    Iteration k extrapolates with y = x + beta_{k-1} (x - x_prev), so the first entry is 0.

    Source: Beck & Teboulle (2009), eqs. (4.2) and (4.3).
    """
    betas, t = [0.0], 1.0
    for _ in range(iterations - 1):
        following = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0
        betas.append((t - 1.0) / following)
        t = following
    return betas[:iterations]
