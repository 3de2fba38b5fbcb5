"""Unrolled nets trained on image patches: no code x* is known there, the patch is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FLOOR = 1e-12  # of a mean error: float32 may hit a patch to the bit, whose logarithm is none


@dataclass(frozen=True)
class PatchLoss:
    """||D x - f||^2 / 2 + w |x|_1 for patches f without mean, (batch, pixels).

    Chosen by ||D x - f||^2 against ||f||^2, both over all patches, in dB. Source: Chen, Liu, Wang &
    Yin 2018, the loss of their compressive sensing; the survey's w is 0.001.

    Parameters
    ----------
    decoder : D, (pixels, n)
    weight : w
    """

    decoder: Tensor
    weight: float = 0.0

    def error(self, x: Tensor, b: Tensor, target: Tensor) -> Tensor:
        missed = torch.addmm(target, x, self.decoder.T, beta=-1)
        error = missed.square().sum() / (2 * len(x))
        if self.weight:
            error = error + self.weight / len(x) * x.abs().sum()
        return error.clamp_min(FLOOR)

    def scale(self, target: Tensor) -> float:
        return float(target.double().square().sum(dim=1).mean() / 2)

    def score_db(self, x: Tensor, b: Tensor, target: Tensor) -> float:
        target = target.double()
        missed = torch.addmm(target, x.double(), self.decoder.double().T, beta=-1)
        ratio = missed.square().mean() / target.square().mean()
        return float(10.0 * torch.log10(ratio.clamp_min(FLOOR)))
