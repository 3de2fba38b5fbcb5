"""Recovery metrics, in decibels (dB)."""

from __future__ import annotations

import numpy as np


def sample_nmse_db(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Normalised mean squared error of every sample, in dB.

    ``10 log10(||estimate_q - truth_q||^2 / ||truth_q||^2)`` in float64, without any floor.

    Parameters
    ----------
    estimate, truth : (samples, n)

    Returns
    -------
    (samples,) float64; ``-inf`` for an exact recovery, ``nan`` or ``inf`` for a diverged one

    Raises
    ------
    ValueError : a true signal is zero, so that its NMSE is undefined.
    """
    estimate, truth = np.asarray(estimate, np.float64), np.asarray(truth, np.float64)
    power = np.square(truth).sum(axis=-1)
    if not np.all(power > 0):
        raise ValueError("NMSE is undefined for an all-zero signal")
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return 10.0 * np.log10(np.square(estimate - truth).sum(axis=-1) / power)


def mean_nmse_db(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Mean over samples of each sample's NMSE in dB: the convention of the paper's figures."""
    return float(sample_nmse_db(estimate, truth).mean())


def pooled_nmse_db(estimate: np.ndarray, truth: np.ndarray) -> float:
    """NMSE of the whole set, in dB: 10 log10 of (sum of squared errors / sum of squared signals).

    Dominated by the worst samples; up to 10 dB above :func:`mean_nmse_db` without noise.
    """
    estimate, truth = np.asarray(estimate, np.float64), np.asarray(truth, np.float64)
    power = np.square(truth).sum()
    if not power > 0:
        raise ValueError("NMSE is undefined for an all-zero set")
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return float(10.0 * np.log10(np.square(estimate - truth).sum() / power))
