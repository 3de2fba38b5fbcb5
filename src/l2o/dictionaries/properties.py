"""Two numbers that say how hard a dictionary makes sparse recovery."""

from __future__ import annotations

import numpy as np


def coherence(dictionary: np.ndarray) -> float:
    """Return the mutual coherence max_{i != j} |a_i^T a_j| / (||a_i|| ||a_j||), in [0, 1].

    ``dictionary`` is (m, n), n at least 2, without zero columns. Source: Donoho and Elad,
    "Optimally sparse representation in general (nonorthogonal) dictionaries via l1 minimization",
    PNAS 100(5), 2003.
    """
    unit = dictionary / np.linalg.norm(dictionary, axis=0)
    gram = np.abs(unit.T @ unit)
    np.fill_diagonal(gram, 0.0)
    return float(gram.max())


def condition_number(dictionary: np.ndarray, cutoff: float = 1e-10) -> float:
    """Return s_max / s_min of ``dictionary`` (m, n), over the singular values that are not zero.

    Values at or below ``cutoff * s_max`` count as zero: a dictionary of patches without their
    mean has rank m - 1, and its condition on its range is what an iteration feels.
    """
    values = np.linalg.svd(dictionary, compute_uv=False)
    return float(values[0] / values[values > cutoff * values[0]][-1])
