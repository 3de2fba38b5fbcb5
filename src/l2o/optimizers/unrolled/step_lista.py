"""Step-LISTA: ISTA with learned step sizes."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import UnrolledNet


class StepLista(UnrolledNet):
    """x+ = eta_{lam g_k}(x - g_k A^T (A x - b)); only the step sizes g_k are learned.

    Starts as ISTA (g_k = 1/L). The threshold follows the step, so that every layer is a proximal
    gradient step on the same LASSO.
    """

    name = "step_lista"
    label = "Step-LISTA"
    reference = "Ablin, Moreau, Massias & Gramfort 2019, eq. (8)"
    trainable = ("step",)
    starts = {"ista": "ista"}
    free_of_matrix = True
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.step = self._per_layer(1.0 / self.lipschitz)

    def prepare(self, state: State, b: Tensor) -> State:
        x = state[0]
        return x, torch.addmm(b, x, self.A.T, alpha=-1) @ self.A

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, descent = prepared
        step = self.step[k]
        return (soft_threshold(torch.addcmul(x, descent, step), self.hyper["lam"] * step),)
