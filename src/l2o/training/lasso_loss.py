"""Unrolled nets trained to minimise the LASSO objective (paper, 4.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from l2o.optimizees.lasso import Lasso

FLOOR = 1e-9  # of an excess: below it float32 has only noise, and its logarithm no sense


@dataclass(frozen=True)
class LassoLoss:
    """Distance of the LASSO objective to its optimum f*, (batch,): the paper's eq. (18) and 4.1.2.

    Chosen by the relative loss, eq. (19), in dB.
    """

    A: Tensor
    lam: float

    def _excess(self, x: Tensor, b: Tensor, target: Tensor) -> Tensor:
        return Lasso(self.A.to(x.dtype), b.to(x.dtype), self.lam, target).excess(x).mean()

    def error(self, x: Tensor, b: Tensor, target: Tensor) -> Tensor:
        return self._excess(x, b, target).clamp_min(FLOOR)

    def scale(self, target: Tensor) -> float:
        return float(target.double().mean())

    def score_db(self, x: Tensor, b: Tensor, target: Tensor) -> float:
        error = self._excess(x.double(), b, target.double()).clamp_min(FLOOR)
        return float(10.0 * torch.log10(error / target.double().mean()))
