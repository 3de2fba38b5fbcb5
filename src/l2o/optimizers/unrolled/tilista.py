"""TiLISTA: one learned weight matrix tied over all layers, a step and a threshold for each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.alista import Alista
from l2o.optimizers.unrolled.net import UnrolledNet


class TiLista(UnrolledNet):
    """x+ = eta^ss_{t_k, p_k}(x + g_k W^T (b - A x)) with one W, (m, n), for all layers.

    Starts with ALISTA's W or as ISTA (W = A/L) with support selection, g_k = 1; goes on from a
    trained ALISTA, which has that W for good.
    """

    name = "tilista"
    label = "TiLISTA"
    reference = "Liu, Chen, Wang & Yin 2019, eq. (13)"
    trainable = ("weight", "step", "log_threshold")
    starts = {"analytic": "analytic_ista_ss", "ista": "ista_ss"}
    contains = "alista"
    hyperparameters = {"lam": 0.1, "support_step": 1.2, "support_max": 13.0}
    ranges = {"lam": "(0, inf)", "support_step": "[0, 100]", "support_max": "[0, 100]"}
    departs = "starts with ALISTA's weights"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.weight = nn.Parameter(self._start_weights().clone())
        self.step = self._per_layer(1.0)
        self.log_threshold = self._ista_thresholds()

    @torch.no_grad()
    def adopt(self, other: Alista) -> None:
        self.weight.copy_(other.W)
        for name in ("step", "log_threshold"):
            for new, old in zip(getattr(self, name), getattr(other, name), strict=True):
                new.copy_(old)

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, residual = prepared
        percent = self._support_percent(k)
        v = torch.addcmul(x, residual @ self.weight, self.step[k])
        return (soft_threshold_with_support(v, self.log_threshold[k].exp(), percent),)
