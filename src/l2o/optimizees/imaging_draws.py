"""Masks, blurs and noise of inverse problems on pictures: numpy arrays by name.

Frequencies are in the order of the discrete Fourier transform, zero first. Every mask is drawn
once and is the same for all pictures of a set; noise is drawn for each.

Source: Ryu et al. 2019, section 5.2 (30 % of the frequencies: random, radial, Cartesian).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.fft import fft2

from l2o.errors import InputError

Random = np.random.Generator
DISC, CENTRE = 0.05, 0.25  # part of random frequencies, and of columns, in a piece around zero


def random_mask(random: Random, shape: tuple[int, int], share: float) -> np.ndarray:
    """Return ``round(share * size)`` frequencies: the lowest, :data:`DISC` of them, and others."""
    count = max(1, round(share * math.prod(shape)))
    rows, columns = (np.fft.fftfreq(n) for n in shape)
    order = np.argsort(np.hypot(rows[:, None], columns).ravel(), kind="stable")  # zero first
    dense = max(1, round(DISC * count))
    others = random.choice(order[dense:], count - dense, replace=False)
    mask = np.zeros(order.size)
    mask[[*order[:dense], *others]] = 1
    return mask.reshape(shape)


def radial_mask(random: Random, shape: tuple[int, int], share: float) -> np.ndarray:
    """Return the least number of equally spaced lines through zero that have ``share`` of all.

    A frequency is on a line if it is at most half a step away from it. With lines enough all are:
    the search ends for every share up to 1.
    """
    rows, columns = (np.fft.fftfreq(n, 1 / n) for n in shape)
    radius = np.hypot(rows[:, None], columns)
    angle = np.arctan2(rows[:, None], columns) + random.uniform(0, math.pi)
    lines = 1
    while True:
        spacing = math.pi / lines
        apart = np.abs((angle + spacing / 2) % spacing - spacing / 2)
        mask = radius * np.sin(apart) <= 0.5
        if mask.mean() >= share:
            return mask.astype(float)
        lines += 1


def cartesian_mask(random: Random, shape: tuple[int, int], share: float) -> np.ndarray:
    """Return whole columns, ``round(share * width)``: :data:`CENTRE` of them around zero."""
    width = shape[1]
    count = max(1, round(share * width))
    order = np.argsort(np.abs(np.fft.fftfreq(width)), kind="stable")  # zero first
    dense = max(1, round(CENTRE * count))
    others = random.choice(order[dense:], count - dense, replace=False)
    mask = np.zeros(shape)
    mask[:, [*order[:dense], *others]] = 1
    return mask


def pixel_mask(random: Random, shape: tuple[int, int], share: float) -> np.ndarray:
    """Return a mask of ``round(share * size)`` pixels, at least one."""
    size = math.prod(shape)
    mask = np.zeros(size)
    mask[random.choice(size, max(1, round(share * size)), replace=False)] = 1
    return mask.reshape(shape)


def blur_transfer(shape: tuple[int, int], size: int, sigma: float) -> np.ndarray:
    """Return the transfer function of a circular Gaussian blur, real: its kernel is symmetric.

    Parameters
    ----------
    size : of the kernel, odd; kernels that are larger than the picture wrap around
    sigma : standard deviation, pixels
    """
    offsets = np.arange(size) - size // 2
    line = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = np.outer(line, line) / line.sum() ** 2
    whole = np.zeros(shape)
    np.add.at(whole, np.ix_(offsets % shape[0], offsets % shape[1]), kernel)
    return fft2(whole).real


MASKS = {
    "fourier_random": random_mask,
    "fourier_radial": radial_mask,
    "fourier_cartesian": cartesian_mask,
    "inpainting": pixel_mask,
}


def draw(random: Random, originals: np.ndarray, law: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays of a problem, see :mod:`l2o.optimizees.imaging`.

    Parameters
    ----------
    originals : (count, height, width), pixels from 0 to 1
    law : ``problem``; ``noise``, standard deviation of a pixel's noise or of a complex Fourier
        sample's; ``share`` that is measured; of a blur ``blur_size`` and ``blur_sigma``
    """
    shape, count = originals.shape[1:], len(originals)
    problem, noise = law["problem"], law["noise"]
    if problem == "inpainting":
        mask = np.broadcast_to(pixel_mask(random, shape, law["share"]), originals.shape)
        noisy = originals + noise * random.standard_normal(originals.shape)
        return {"originals": originals, "mask": mask, "pixels": mask * noisy}
    if problem == "deblurring":
        one = blur_transfer(shape, law["blur_size"], law["blur_sigma"])
        noises = fft2(noise * random.standard_normal(originals.shape), norm="ortho")
    else:
        one = MASKS[problem](random, shape, law["share"])
        parts = random.standard_normal((2, count, *shape)) * noise / math.sqrt(2)
        noises = one * (parts[0] + 1j * parts[1])
    measured = one * fft2(originals, norm="ortho") + noises
    transfer = np.broadcast_to(one, originals.shape)
    given = {"originals": originals, "transfer": transfer}
    return given | {"real": measured.real, "imaginary": measured.imag}


def middles(pictures: Mapping[str, np.ndarray], side: int, count: int) -> dict[str, np.ndarray]:
    """Return the middle, ``side`` x ``side`` pixels from 0 to 1, of the first ``count`` pictures.

    Raises
    ------
    InputError : a picture is smaller.
    """
    found = {}
    for name, picture in [*pictures.items()][:count]:
        if min(picture.shape) < side:
            problem = f"has {picture.shape[0]} x {picture.shape[1]} pixels, {side} x {side} needed"
            raise InputError("pictures", name, problem, "lower the side of the preset")
        top, left = ((length - side) // 2 for length in picture.shape)
        found[name] = picture[top : top + side, left : left + side] / 255.0
    return found
