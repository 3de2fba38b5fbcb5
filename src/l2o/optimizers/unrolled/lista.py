"""LISTA: the learned iterative soft-thresholding algorithm with free, untied weights."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import UnrolledNet


class Lista(UnrolledNet):
    """x+ = eta_{t_k}(W1_k b + W2_k x); starts as ISTA, or goes on from a trained LISTA-CP.

    The weights are learned as ``W1[k]`` = W1_k^T, (m, n), and ``free[k]``, (n, n), with
    W2_k^T = I - A^T W1_k^T + free[k]: an invertible linear change of variables, so every LISTA can
    be written so. It conditions the training: near a solution W2 must approach I - W1 A (Chen et
    al. 2018, theorem 1), and in these variables that is the origin.
    """

    name = "lista"
    label = "LISTA"
    reference = "Gregor & LeCun 2010, Algorithm 3; untied across layers as in the paper, 4.1"
    trainable = ("W1", "free", "log_threshold")
    starts = {"ista": "ista"}
    contains = "lista_cp"
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}
    rate_factors = {"free": 0.1}  # faster, the free matrices fit the samples

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        n = self.A.shape[1]
        self.W1 = self._per_layer(self.A / self.lipschitz)
        self.free = self._per_layer(torch.zeros(n, n))
        self.log_threshold = self._ista_thresholds()

    @torch.no_grad()
    def adopt(self, other: UnrolledNet) -> None:
        for k, weight in enumerate(other.weight):
            self.W1[k].copy_(weight)
            self.free[k].zero_()
            self.log_threshold[k].copy_(other.log_threshold[k])

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, residual = prepared
        v = torch.addmm(x, residual, self.W1[k]).addmm(x, self.free[k])
        return (soft_threshold(v, self.log_threshold[k].exp()),)
