"""LAMP: learned approximate message passing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import UnrolledNet


class Lamp(UnrolledNet):
    """v = b - A x + (||x||_0 / m) v_prev; x+ = eta_{a_k ||v|| / sqrt(m)}(x + W_k^T v).

    Starts as AMP (W_k = A). The state is (x, v_prev).
    """

    name = "lamp"
    label = "LAMP"
    reference = "Borgerding, Schniter & Rangan 2017, eqs. (15) and (16), l1 shrinkage, untied"
    trainable = ("weight", "alpha")
    starts = {"amp": "amp"}
    hyperparameters = {"alpha": 1.1}
    ranges = {"alpha": "(0, inf)"}

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.weight = self._per_layer(self.A)
        self.alpha = self._per_layer(self.hyper["alpha"])

    def start(self, b: Tensor) -> State:
        return *super().start(b), torch.zeros_like(b)

    def prepare(self, state: State, b: Tensor) -> State:
        x, previous = state
        m = b.shape[1]
        nonzero = torch.ne(x.detach(), 0, out=torch.empty_like(x))  # floats sum three times faster
        onsager = nonzero.sum(dim=1, keepdim=True) / m
        v = torch.addmm(b, x, self.A.T, alpha=-1) + onsager * previous
        return x, v, torch.linalg.vector_norm(v, dim=1, keepdim=True) / math.sqrt(m)

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, v, noise_level = prepared
        shrunk = soft_threshold(torch.addmm(x, v, self.weight[k]), self.alpha[k] * noise_level)
        return shrunk, v
