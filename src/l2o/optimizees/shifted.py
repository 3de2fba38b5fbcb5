"""Instances from other laws than methods were trained and tuned on.

All values of a shift share their random numbers: a denser signal has the non-zeros of a sparser one
and more, other amplitudes have the same support and the same signs, more noise is the same noise
scaled. So a difference between two values is due to the shift, not to the draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l2o.optimizees.sparse_recovery import measure
from l2o.seeds import named_generator

DEGREES = 3  # of freedom of Student's t: the fewest whole number with a variance


@dataclass(frozen=True)
class Law:
    """What the instances of sparse recovery and of LASSO are drawn from.

    Parameters
    ----------
    density : P(x_i != 0)
    snr_db : as in :func:`l2o.optimizees.sparse_recovery.measure`; None for no noise
    amplitude : law of the non-zeros, see :func:`amplitudes`; all have variance 1
    dictionary : how far the columns of A are turned, see :func:`turned`
    """

    density: float
    snr_db: float | None = None
    amplitude: str = "gaussian"
    dictionary: float = 0.0


def amplitudes(law: str, shape: tuple[int, ...], seed: int, names: tuple[str, ...]) -> np.ndarray:
    """Return values of mean 0 and variance 1, of the same signs under every law.

    ``gaussian``: N(0, 1); ``rademacher``: -1 or 1; ``student``: Student's t with three degrees of
    freedom, whose fourth moment is infinite, over its standard deviation.
    """
    normal = named_generator(seed, *names, "values").standard_normal(shape)
    if law == "gaussian":
        return normal
    if law == "rademacher":
        return np.sign(normal)
    if law == "student":
        spread = named_generator(seed, *names, "spread").chisquare(DEGREES, shape)
        return normal * np.sqrt((DEGREES - 2) / spread)
    raise ValueError(f"no amplitudes are called {law!r}")


def turned(dictionary: np.ndarray, sine: float, seed: int, names: tuple[str, ...]) -> np.ndarray:
    """Return a dictionary whose columns are turned by an angle, each in a random direction.

    The angle has the given sine: small ones move a column by that part of its length, and at 1 it
    is perpendicular to what it was, another dictionary. Lengths are kept.

    Parameters
    ----------
    dictionary : A, (m, n), m at least 2
    sine : from 0 to 1
    """
    drawn = named_generator(seed, *names, "turn").standard_normal(dictionary.shape)
    lengths = np.linalg.norm(dictionary, axis=0)
    unit = dictionary / lengths
    drawn -= unit * (unit * drawn).sum(axis=0)
    drawn /= np.linalg.norm(drawn, axis=0)
    return lengths * (np.sqrt(1 - sine**2) * unit + sine * drawn) if sine else dictionary


def shifted_samples(
    dictionary: np.ndarray, count: int, law: Law, seed: int, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the dictionary A' behind the data, signals x and measurements b = A' x + noise.

    As in the stored sets, x and b are rounded to float32; all are returned in float64.

    Parameters
    ----------
    dictionary : A, (m, n), which A' is a turn of
    count : samples
    names : of the random streams

    Returns
    -------
    (m, n), (count, n) and (count, m)
    """
    n, support = dictionary.shape[1], named_generator(seed, *names, "support")
    nonzero, spare = support.random((count, n)) < law.density, support.integers(n, size=count)
    empty = np.flatnonzero(~nonzero.any(axis=1))  # of undefined NMSE
    nonzero[empty, spare[empty]] = True
    values = amplitudes(law.amplitude, (count, n), seed, names)
    x = np.where(nonzero, values, 0.0).astype(np.float32)
    behind = turned(dictionary, law.dictionary, seed, names)
    b = measure(named_generator(seed, *names, "noise"), behind, x, law.snr_db)
    return behind, x.astype(np.float64), b.astype(np.float64)
