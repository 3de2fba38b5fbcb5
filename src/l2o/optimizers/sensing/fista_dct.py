"""FISTA with a cosine transform of every block, its frequencies weighed as pictures are."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.block_sensing import BLOCK, BlockSensing
from l2o.optimizees.picture_scales import cosines
from l2o.optimizers.picture_fista import PictureFista, shrunk
from l2o.optimizers.protocol import State


class FistaDct(PictureFista):
    """R(x) = lam sum_f w_f |c_f|, c the 2-D DCT-II of a block; the mean of a block is free.

    w_f is the inverse of the standard deviation of c_f over blocks of training pictures. Blocks at
    the edge of a picture reach into the padding, which is 0.

    Source: Ahmed, Natarajan & Rao 1974 (DCT); Beck & Teboulle 2009.
    """

    name = "fista_dct"
    label = "FISTA, DCT"
    reference = "Beck & Teboulle 2009; weights ours"
    hyperparameters = {"lam": 1e-4}
    ranges = {"lam": "(0, inf)"}

    def _thresholds(self, optimizee: BlockSensing, like: Tensor) -> Tensor:
        scale = torch.from_numpy(optimizee.scales["dct"]).to(like)
        weights = self.hyper["lam"] / scale.clamp_min(1e-6)
        weights[0, 0] = 0
        return weights

    @staticmethod
    def _coefficients(optimizee: BlockSensing, x: Tensor) -> tuple[Tensor, Tensor]:
        basis = torch.from_numpy(cosines(BLOCK)).to(x)
        return basis, basis @ optimizee.blocks(x).unflatten(3, (BLOCK, BLOCK)) @ basis.T

    def penalty(self, optimizee: BlockSensing, x: Tensor) -> Tensor:
        _, found = self._coefficients(optimizee, x)
        return (self._thresholds(optimizee, x) * found.abs()).sum(dim=(1, 2, 3, 4))

    def proximal(self, optimizee: BlockSensing, v: Tensor, memory: State) -> tuple[Tensor, State]:
        basis, found = self._coefficients(optimizee, v)
        blocks = basis.T @ shrunk(found, self._thresholds(optimizee, v)) @ basis
        return optimizee.joined(blocks.flatten(3)), memory
