"""How near a restored picture is to the original: PSNR and SSIM, as scikit-image defines them."""

from __future__ import annotations

import numpy as np


def psnr(original: np.ndarray, restored: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in dB, over all pixels, with a peak of 1.

    Parameters
    ----------
    original : (height, width), from 0 to 1
    restored : the same shape; clipped to 0 to 1, not rounded

    Raises
    ------
    ValueError : shapes that differ.
    """
    original, restored = _pair(original, restored)
    error = np.mean((original - restored) ** 2)
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def ssim(original: np.ndarray, restored: np.ndarray) -> float:
    """Return the structural similarity index, at most 1, by windows of 7 x 7 pixels.

    Parameters and errors as of :func:`psnr`. Source: Wang, Bovik, Sheikh & Simoncelli 2004.
    """
    from skimage.metrics import structural_similarity

    return float(structural_similarity(*_pair(original, restored), data_range=1.0))


def _pair(original: np.ndarray, restored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    original = np.asarray(original, np.float64)
    restored = np.clip(np.asarray(restored, np.float64), 0, 1)
    if original.shape != restored.shape:
        raise ValueError(f"pictures of {original.shape} and {restored.shape} pixels")
    return original, restored
