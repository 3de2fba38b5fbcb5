"""LISTA-CPSS: coupled weights and support selection."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.lista_cp import ListaCp
from l2o.optimizers.unrolled.tilista import TiLista


class ListaCpss(ListaCp):
    """x+ = eta^ss_{t_k, p_k}(x + W_k^T (b - A x)).

    Starts with ALISTA's W_k or as ISTA (W_k = A/L) with support selection; goes on from a trained
    TiLISTA, whose W_k are g_k W.
    """

    name = "lista_cpss"
    label = "LISTA-CPSS"
    reference = "Chen, Liu, Wang & Yin 2018, eq. (15) with the coupling of eq. (11)"
    starts = {"analytic": "analytic_ista_ss", "ista": "ista_ss"}
    contains = "tilista"
    hyperparameters = {"lam": 0.1, "support_step": 1.2, "support_max": 13.0}
    ranges = {"lam": "(0, inf)", "support_step": "[0, 100]", "support_max": "[0, 100]"}
    departs = "starts with ALISTA's weights"

    @torch.no_grad()
    def adopt(self, other: TiLista) -> None:
        for k, (weight, step) in enumerate(zip(self.weight, other.step, strict=True)):
            weight.copy_(step * other.weight)
            self.log_threshold[k].copy_(other.log_threshold[k])

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, residual = prepared
        v = torch.addmm(x, residual, self.weight[k])
        percent = self._support_percent(k)
        return (soft_threshold_with_support(v, self.log_threshold[k].exp(), percent),)
