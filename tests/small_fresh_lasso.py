"""A few small LASSO instances, each with a dictionary of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from l2o.optimizees.fresh_lasso import FreshLasso, synthetic, told
from l2o.optimizees.lasso_optimum import lasso_optima

M, N, LAM = 12, 16, 0.1  # ISTA is within 1e-6 of the minimum in some 200 steps


def randoms(count: int, seed: int = 0) -> Iterator[np.random.Generator]:
    """A random stream for each instance."""
    return (np.random.default_rng([seed, i]) for i in range(count))


def drawn(count: int, seed: int = 0, m: int = M, n: int = N) -> FreshLasso:
    """Instances with certified optima, float64."""
    A, b = synthetic(randoms(count, seed), m, n, max(1, n // 5))
    fields = told(A, b, LAM, lasso_optima(A, b, LAM))
    return FreshLasso(**{name: torch.from_numpy(array) for name, array in fields.items()})


def origin(f: FreshLasso) -> torch.Tensor:
    """x = 0 for all instances."""
    return f.A.new_zeros(len(f), f.dimension)
