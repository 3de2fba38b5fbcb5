"""How large the coefficients of pictures are: what regularisers are weighed with."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cache

import numpy as np

from l2o.optimizees.block_sensing import BLOCK

WAVELET, LEVELS = "sym4", 4  # Daubechies 1988; of four scales
WHOLE = 2**LEVELS  # sides that wavelets can halve on every level
DETAILS = 3  # horizontal, vertical and diagonal coefficients of a level


@cache
def cosines(size: int) -> np.ndarray:
    """Return the orthonormal DCT-II, (size, size): a row for each frequency."""
    frequency, place = np.arange(size)[:, None], np.arange(size)[None, :]
    basis = np.cos(np.pi * frequency * (2 * place + 1) / (2 * size)) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    return basis


def dct_scale(moment: np.ndarray) -> np.ndarray:
    """Return the root mean square of the 2-D DCT-II of blocks, (33, 33), from their second moment.

    ``moment`` is (1089, 1089), see :func:`l2o.optimizees.block_sensing.second_moment`.
    """
    basis = np.kron(cosines(BLOCK), cosines(BLOCK))
    return np.sqrt(np.einsum("ij,ij->i", basis @ moment, basis).clip(0)).reshape(BLOCK, BLOCK)


def wavelets(pictures: np.ndarray) -> list:
    """Return approximations, then details by level, the coarsest first; orthogonal, periodic.

    ``pictures`` are (..., height, width), sides multiples of :data:`WHOLE`. Small ones meet their
    own border on coarse levels, of which PyWavelets would warn.
    """
    import pywt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return pywt.wavedec2(pictures, WAVELET, "periodization", LEVELS)


def wavelet_scale(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """Return the mean magnitude of wavelet details, (levels, 3), the coarsest level first.

    Parameters
    ----------
    pictures : (height, width), uint8; their middle is used, of sides that are multiples of
        :data:`WHOLE`
    """
    totals, counts = np.zeros((LEVELS, DETAILS)), np.zeros((LEVELS, DETAILS))
    for picture in pictures:
        height, width = (side // WHOLE * WHOLE for side in picture.shape)
        grey = picture[:height, :width] / 255.0
        _, *levels = wavelets(grey)
        for level, details in enumerate(levels):
            for kind, values in enumerate(details):
                totals[level, kind] += np.abs(values).sum()
                counts[level, kind] += values.size
    return totals / counts
