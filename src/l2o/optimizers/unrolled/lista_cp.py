"""LISTA-CP: LISTA with coupled weights."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import UnrolledNet


class ListaCp(UnrolledNet):
    """x+ = eta_{t_k}(x + W_k^T (b - A x)). ``weight[k]`` is W_k, (m, n).

    Starts as ISTA (W_k = A/L) or with ALISTA's W_k.
    """

    name = "lista_cp"
    label = "LISTA-CP"
    reference = "Chen, Liu, Wang & Yin 2018, eq. (11)"
    trainable = ("weight", "log_threshold")
    starts = {"ista": "ista", "analytic": "analytic_ista"}
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}
    departs = "may start with ALISTA's weights"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.weight = self._per_layer(self._start_weights())
        self.log_threshold = self._ista_thresholds()

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, residual = prepared
        v = torch.addmm(x, residual, self.weight[k])
        return (soft_threshold(v, self.log_threshold[k].exp()),)
