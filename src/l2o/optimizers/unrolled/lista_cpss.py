"""LISTA-CPSS: coupled weights and support selection."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.lista_cp import ListaCp


class ListaCpss(ListaCp):
    """x+ = eta^ss_{t_k, p_k}(x + W_k^T (b - A x)); starts as ISTA with support selection."""

    name = "lista_cpss"
    label = "LISTA-CPSS"
    reference = "Chen, Liu, Wang & Yin 2018, eq. (15) with the coupling of eq. (11)"
    classical = "ista_ss"
    hyperparameters = {"lam": 0.1, "support_step": 1.2, "support_max": 13.0}
    ranges = {"lam": "(0, inf)", "support_step": "[0, 100]", "support_max": "[0, 100]"}

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, residual = prepared
        v = torch.addmm(x, residual, self.weight[k])
        percent = self._support_percent(k)
        return (soft_threshold_with_support(v, self.log_threshold[k].exp(), percent),)
