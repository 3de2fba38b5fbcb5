"""What an unrolled net is trained for: a relative error, to be driven to zero.

Training descends the logarithm of the mean error of a batch: its gradient is divided by the batch's
error. So the few batches with hard samples do not drown the others (plain MSE left ALISTA 7 dB
behind), and rates mean the same at 0 dB and at -80 dB.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

FLOOR = 1e-15  # of a relative error: float32 may hit a signal to the bit, whose logarithm is none


class TrainingLoss(Protocol):
    """The error of the outputs of one layer, (batch, n), against the targets of their samples."""

    def error(self, x: Tensor, b: Tensor, target: Tensor) -> Tensor:
        """Return the mean error of a batch, above 0, to differentiate."""
        ...

    def scale(self, target: Tensor) -> float:
        """Return the mean error that counts as 0 dB."""
        ...

    def score_db(self, x: Tensor, b: Tensor, target: Tensor) -> float:
        """Return the figure by which weights are chosen, in dB, computed in float64."""
        ...


class RecoveryLoss:
    """Squared distance to the signals x*, (batch, n), as in the paper, 4.1.1.

    Weights are chosen by both measures of the NMSE, halfway between the mean of the samples' dB,
    which the paper shows, and the pooled one, which a few failing samples spoil.
    """

    def error(self, x: Tensor, b: Tensor, target: Tensor) -> Tensor:
        return torch.nn.functional.mse_loss(x, target, reduction="sum") / len(b)

    def scale(self, target: Tensor) -> float:
        return float(target.square().sum(dim=1, dtype=torch.float64).mean())

    def score_db(self, x: Tensor, b: Tensor, target: Tensor) -> float:
        error = (x.double() - target).square().sum(dim=1)
        power = target.double().square().sum(dim=1)
        samples = 10.0 * torch.log10((error / power).clamp_min(FLOOR))
        pooled = 10.0 * torch.log10((error.mean() / power.mean()).clamp_min(FLOOR))
        return float(0.5 * (samples.mean() + pooled))
