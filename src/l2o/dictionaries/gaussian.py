"""The incoherent measurement matrix of the sparse recovery and LASSO experiments."""

from __future__ import annotations

import numpy as np

from l2o.seeds import named_generator


def gaussian_dictionary(rows: int, columns: int, seed: int) -> np.ndarray:
    """Return A (rows, columns) float64 with entries N(0, 1/rows), then columns of unit 2-norm.

    Source: the benchmark's section 4.1.1, settings "noiseless", "noisy" and "larger scale".

    Parameters
    ----------
    rows, columns : m and n
    seed : root seed; the stream also depends on the shape, so two sizes share no entries

    Raises
    ------
    ValueError : a dimension below one.
    """
    if rows < 1 or columns < 1:
        raise ValueError(f"a dictionary needs positive dimensions, not ({rows}, {columns})")
    generator = named_generator(seed, "dictionary", "gaussian", rows, columns)
    entries = generator.standard_normal((rows, columns)) / np.sqrt(rows)
    return entries / np.linalg.norm(entries, axis=0)
