"""Sparse recovery: find x* from b = A x* + noise (paper, eq. 17 and 4.1.1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from l2o.seeds import named_generator
from l2o.storage.sets import ROWS


def sparse_signals(generator: np.random.Generator, count: int, n: int, density: float):
    """Draw signals with entries Ber(density) N(0, 1), (count, n) float32.

    A row without any entry (rare, and of undefined NMSE) gets one at a random place.
    """
    support = generator.random((count, n)) < density
    values = generator.standard_normal((count, n))
    spare = generator.integers(n, size=count)
    empty = np.flatnonzero(~support.any(axis=1))
    support[empty, spare[empty]] = True
    return np.where(support, values, 0.0).astype(np.float32)


def measure(
    generator: np.random.Generator, dictionary: np.ndarray, x: np.ndarray, snr_db: float | None
) -> np.ndarray:
    """Return b = A x + e, (count, m) float32, computed in float64.

    Parameters
    ----------
    dictionary : A, (m, n)
    x : (count, n)
    snr_db : ratio of each sample's measurement power to its expected noise power, in dB; None for
        no noise
    """
    b = x.astype(np.float64) @ dictionary.T
    if snr_db is not None:
        noise = generator.standard_normal(b.shape)
        level = np.sqrt(np.square(b).mean(axis=1, keepdims=True)) * 10.0 ** (-snr_db / 20.0)
        b += level * noise
    return b.astype(np.float32)


def sample_slices(
    dictionary: np.ndarray,
    count: int,
    density: float,
    snr_db: float | None,
    seed: int,
    names: tuple[str, ...],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield ``count`` samples as slices (x, b), (rows, n) and (rows, m) float32.

    Every slice has a random stream of its own, ``(*names, its number)``, so that sample i is the
    same in a set of any size.
    """
    for number, at in enumerate(range(0, count, ROWS)):
        generator = named_generator(seed, *names, number)
        x = sparse_signals(generator, ROWS, dictionary.shape[1], density)
        b = measure(generator, dictionary, x, snr_db)
        rows = min(ROWS, count - at)
        yield x[:rows], b[:rows]
