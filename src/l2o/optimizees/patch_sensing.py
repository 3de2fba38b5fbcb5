"""Compressive sensing of image patches: y = Phi f, with f = D x and a sparse code x.

Two ways to treat the mean of a patch. *Sensed*: it is one of the m measurements, the first row of
Phi being constant. *Known*: it is taken from the patch itself before it is sensed and given back
afterwards, as in the code of Chen, Liu, Wang & Yin 2018 (LISTA-CPSS) and in the survey's; that is
one number of every patch that nobody measured. In both ways solvers work on patches without mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


def measurements(percent: float, pixels: int) -> int:
    """Return m for a ratio in percent: the nearest whole number, 51 for 20 % of 256."""
    return math.floor(percent / 100 * pixels + 0.5)


def sensing_matrix(
    m: int, pixels: int, mean_sensed: bool, generator: np.random.Generator
) -> np.ndarray:
    """Return Phi, (m, pixels) float64, with random orthonormal rows.

    With ``mean_sensed`` its first row is constant, 1 / sqrt(pixels), and the others are orthogonal
    to it.

    Raises
    ------
    ValueError : no measurement, or more than there are pixels, or none beside the mean.
    """
    if not 1 + mean_sensed <= m <= pixels:
        raise ValueError(f"{m} measurements of {pixels} pixels")
    drawn = generator.standard_normal((pixels, m))
    if mean_sensed:
        drawn[:, 0] = 1.0
    basis, upper = np.linalg.qr(drawn)
    return (basis * np.sign(np.diag(upper))).T.copy()  # signs: the first row is above 0


@dataclass(frozen=True)
class PatchSensing:
    """How patches are sensed, and what solvers know of it; all float64.

    Parameters
    ----------
    phi : (m, pixels), see :func:`sensing_matrix`
    whitener : (rows, rows), what solvers read is that times y, without the mean: with the mean
        sensed they read m - 1 rows
    A : (rows, n), the rows that solvers read times D, with A A^T = 1
    decoder : (pixels, n), D with the columns scaled as those of A: a patch without mean is
        decoder x
    linear : (pixels, rows), the linear estimate of a patch without mean of least mean square error
    mean_sensed : see above
    """

    phi: np.ndarray
    whitener: np.ndarray
    A: np.ndarray
    decoder: np.ndarray
    linear: np.ndarray
    mean_sensed: bool

    def measured(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what solvers get of patches, (count, pixels): b, (count, rows), and means.

        Means are (count, 1): measured, or known.
        """
        if self.mean_sensed:
            y = patches @ self.phi.T
            return y[:, 1:] @ self.whitener.T, y[:, :1] / math.sqrt(patches.shape[1])
        mean = patches.mean(axis=1, keepdims=True)
        return (patches - mean) @ self.phi.T @ self.whitener.T, mean


def sense(
    phi: np.ndarray, dictionary: np.ndarray, mean_sensed: bool, moments: np.ndarray
) -> PatchSensing:
    """Return what solvers know of patches that Phi senses.

    Columns of Phi D are scaled to norm 1; then the rows are combined by (A A^T)^(-1/2), which loses
    nothing, measurements being without noise, and makes the step of ISTA a projection onto the
    codes that agree with b. The linear estimate is C R^T (R C R^T)^-1 b with the moments C and what
    is read, b = R f.

    Parameters
    ----------
    phi : (m, pixels)
    dictionary : D, (pixels, n)
    mean_sensed : whether the first row measures the mean
    moments : second moments C of patches without mean, (pixels, pixels)

    Raises
    ------
    ValueError : the rows times D are linearly dependent.
    """
    rows = phi[1:] if mean_sensed else phi
    A = rows @ dictionary
    norms = np.linalg.norm(A, axis=0)
    A = A / norms
    values, vectors = np.linalg.eigh(A @ A.T)
    if values[0] <= 1e-10 * values[-1]:
        raise ValueError("rows of Phi D are linearly dependent")
    whitener = (vectors / np.sqrt(values)) @ vectors.T
    read = whitener @ rows
    crossed = moments @ read.T
    linear = np.linalg.lstsq(read @ crossed, crossed.T, rcond=1e-10)[0].T
    return PatchSensing(phi, whitener, whitener @ A, dictionary / norms, linear, mean_sensed)


def second_moments(patches: np.ndarray) -> np.ndarray:
    """Return the mean of f f^T over patches f, (count, pixels), without their means, float64."""
    centred = patches.astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True)
    return centred.T @ centred / len(centred)


def patches_of(picture: np.ndarray, size: int) -> np.ndarray:
    """Return the patches of a picture side by side, (count, size * size) float64, row by row.

    A picture whose sides are no multiples of ``size`` is continued to the right and below with its
    last pixels.

    Parameters
    ----------
    picture : (height, width)
    """
    high, wide = (-side % size for side in picture.shape)
    whole = np.pad(np.asarray(picture, np.float64), ((0, high), (0, wide)), mode="edge")
    rows, columns = (side // size for side in whole.shape)
    cut = whole.reshape(rows, size, columns, size).swapaxes(1, 2)
    return cut.reshape(rows * columns, size * size)


def picture_of(patches: np.ndarray, shape: tuple[int, int], size: int) -> np.ndarray:
    """Return the picture, of ``shape`` (height, width), whose :func:`patches_of` these are."""
    rows, columns = (-(-side // size) for side in shape)
    whole = patches.reshape(rows, columns, size, size).swapaxes(1, 2)
    return whole.reshape(rows * size, columns * size)[: shape[0], : shape[1]]


def grey(pictures: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return pictures of 8 bits as float64 from 0 to 1."""
    return {name: picture / 255.0 for name, picture in pictures.items()}
