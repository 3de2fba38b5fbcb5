"""Soft thresholds of orthogonal wavelet coefficients, averaged over shifts of the picture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

WAVELET, LEVELS, SMALLEST = "db4", 4, 7  # no coarser scale has fewer rows than the filter less one
SHIFTS = ((0, 0), (1, 1), (3, 5), (6, 2))  # pixels


def shrunk(x: Tensor, threshold: float) -> Tensor:
    """Return the mean over :data:`SHIFTS` of x with its details shrunk, (batch, height, width).

    Coefficients of the coarsest scale are kept. The transform is orthogonal where height and width
    are multiples of 2 ** levels; there are fewer levels where they are not, or small.
    """
    shape, levels = x.shape[-2:], 0
    while levels < LEVELS and all(
        side % 2 ** (levels + 1) == 0 and side // 2 ** (levels + 1) >= SMALLEST for side in shape
    ):
        levels += 1
    if levels == 0:
        return x
    total = torch.zeros_like(x)
    for shift in SHIFTS:
        moved = x.roll(shift, (-2, -1)).numpy()
        back = torch.from_numpy(_shrunk(moved, threshold, levels).astype(moved.dtype))
        total += back.roll((-shift[0], -shift[1]), (-2, -1))
    return total / len(SHIFTS)


def _shrunk(x: np.ndarray, threshold: float, levels: int) -> np.ndarray:
    import pywt  # takes a while

    kind = {"mode": "periodization", "axes": (-2, -1)}
    coarse, *details = pywt.wavedec2(x, WAVELET, level=levels, **kind)
    details = [
        tuple(np.sign(d) * np.maximum(np.abs(d) - threshold, 0) for d in each) for each in details
    ]
    return pywt.waverec2([coarse, *details], WAVELET, **kind)
