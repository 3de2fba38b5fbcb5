"""Pictures sensed by blocks: y = Phi x for each block of 33 x 33 pixels, rows of Phi orthonormal.

A picture whose sides are no multiples of 33 is padded with zeros, which belong to the problem and
not to x: they are known, so that no method has to find them.

Source: Kulkarni et al., "ReconNet", CVPR 2016; Zhang & Ghanem, "ISTA-Net", CVPR 2018, section 4.
ISTA-Net's code pads a whole block where a side is a multiple of 33 already; here nothing is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

BLOCK = 33  # pixels: the side of a block
PIXELS = BLOCK * BLOCK
RIDGE = 1e-9  # of the mean variance of a measurement: what keeps the least squares solvable
SLICE = 8192  # blocks whose products are summed at once


def sensing_matrix(rows: int, generator: np.random.Generator) -> np.ndarray:
    """Return Phi, (rows, 1089) float64: Gaussian rows, made orthonormal.

    The rows of the QR factorisation have a sign that is free; it is fixed, so that the matrix
    depends on the generator only.
    """
    q, r = np.linalg.qr(generator.standard_normal((PIXELS, rows)))
    return np.ascontiguousarray((q * np.sign(np.diag(r))).T)


def second_moment(blocks: np.ndarray) -> np.ndarray:
    """Return X X^T / count of blocks, (1089, 1089) float64; ``blocks`` are (count, 33, 33)."""
    total = np.zeros((PIXELS, PIXELS))
    for first in range(0, len(blocks), SLICE):
        part = blocks[first : first + SLICE].reshape(-1, PIXELS).astype(np.float64)
        total += part.T @ part
    return total / len(blocks)


def linear_start(phi: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Return Q = X Y^T (Y Y^T)^-1, (1089, rows): the best linear map from y = Phi x to x.

    Parameters
    ----------
    phi : (rows, 1089)
    moment : X X^T / count of the blocks that it is best for, see :func:`second_moment`

    A ridge of :data:`RIDGE` keeps it defined where there are fewer blocks than rows.

    Source: Zhang & Ghanem 2018, eq. 5.
    """
    crossed = moment @ phi.T
    gram = phi @ crossed
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
    return np.linalg.solve(gram, crossed.T).T


class BlockSensing:
    """Pictures of one size and their measurements; x is (pictures, height, width) from 0 to 1.

    Parameters
    ----------
    phi : (m, 1089)
    inverse : Q of the linear start, (1089, m)
    y : measurements, (pictures, rows, columns, m), a vector for each block
    height, width : of the pictures, without the padding
    scales : how large coefficients of pictures are, by transform; for those who weigh them
    """

    def __init__(
        self,
        phi: Tensor,
        inverse: Tensor,
        y: Tensor,
        height: int,
        width: int,
        scales: Mapping[str, np.ndarray] = MappingProxyType({}),
    ) -> None:
        self.phi, self.inverse, self.y = phi, inverse, y
        self.height, self.width, self.scales = height, width, scales

    @classmethod
    def of(
        cls,
        phi: Tensor,
        inverse: Tensor,
        pictures: Tensor,
        scales: Mapping[str, np.ndarray] = MappingProxyType({}),
    ) -> BlockSensing:
        """Return the problem that pictures, (pictures, height, width), give."""
        _, height, width = pictures.shape
        return cls(phi, inverse, blocks_of(pictures) @ phi.T, height, width, scales)

    def __len__(self) -> int:
        return len(self.y)

    def blocks(self, x: Tensor) -> Tensor:
        """Return the blocks of pictures, padded, (pictures, rows, columns, 1089)."""
        return blocks_of(x)

    def joined(self, blocks: Tensor) -> Tensor:
        """Return pictures, without the padding, from their blocks."""
        return picture_of(blocks)[:, : self.height, : self.width]

    def start(self) -> Tensor:
        """Return the linear start Q y."""
        return self.joined(self.y @ self.inverse.T)

    def gradient(self, x: Tensor) -> Tensor:
        """Return A^T (A x - y), as x; A is Phi on every block, and of norm 1."""
        return self.joined((blocks_of(x) @ self.phi.T - self.y) @ self.phi)

    def objective(self, x: Tensor) -> Tensor:
        """Return ||A x - y||^2 / 2 of each picture, (pictures,)."""
        return 0.5 * (blocks_of(x) @ self.phi.T - self.y).square().sum(dim=(1, 2, 3))


def blocks_of(x: Tensor) -> Tensor:
    """Return pictures, padded to whole blocks, as (pictures, rows, columns, 1089)."""
    _, height, width = x.shape
    whole = pad(x, (0, -width % BLOCK, 0, -height % BLOCK))
    cells = whole.unflatten(2, (-1, BLOCK)).unflatten(1, (-1, BLOCK))
    return cells.transpose(2, 3).flatten(3)


def picture_of(blocks: Tensor) -> Tensor:
    """Return blocks, (pictures, rows, columns, 1089), as padded pictures."""
    cells = blocks.unflatten(3, (BLOCK, BLOCK)).transpose(2, 3)
    return cells.flatten(3).flatten(1, 2)


def as_tensor(pictures: Iterable[np.ndarray], dtype: torch.dtype = torch.float32) -> Tensor:
    """Return pictures of one size, uint8, as a tensor from 0 to 1."""
    return torch.from_numpy(np.stack([*pictures])).to(dtype) / 255
