"""Ada-LISTA: a LISTA whose weights stand beside A, so that A may be another one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import UnrolledNet


class AdaLista(UnrolledNet):
    """x+ = eta_{t_k}(x + g_k A^T (W2^T b - W1^T W1 A x)), with W1 and W2, (m, m), for all layers.

    A is an input: what is learned has no column of it, and ``given`` sets in another A of m rows.
    Starts as ISTA (W1 = W2 = I, g_k = 1/L).
    """

    name = "ada_lista"
    label = "Ada-LISTA"
    reference = "Aberdam, Golts & Elad 2021, eq. (10), untied steps"
    trainable = ("left_weight", "right_weight", "step", "log_threshold")
    starts = {"ista": "ista"}
    free_of_matrix = True
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}
    departs = "trained on one A here, on many in its paper"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        identity = torch.eye(len(self.A)).to(self.A)
        self.left_weight = nn.Parameter(identity.clone())  # W1
        self.right_weight = nn.Parameter(identity.clone())  # W2
        self.step = self._per_layer(1 / self.lipschitz)
        self.log_threshold = self._ista_thresholds()

    def prepare(self, state: State, b: Tensor) -> State:
        x = state[0]
        return x, x @ self.A.T

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, explained = prepared
        left = explained @ self.left_weight.T @ self.left_weight
        descent = (b @ self.right_weight - left) @ self.A
        v = torch.addcmul(x, descent, self.step[k])
        return (soft_threshold(v, self.log_threshold[k].exp()),)
