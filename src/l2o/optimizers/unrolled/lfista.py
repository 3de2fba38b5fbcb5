"""LFISTA: FISTA unrolled with free weights for iterate, previous iterate and measurement."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizers.classical.momentum import fista_momentum
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import Hyperparameters, State, UnrolledNet


class Lfista(UnrolledNet):
    """x+ = eta_{t_k}(Wg_k x + Wm_k x_prev + We_k b); starts as FISTA. The state is (x, x_prev).

    The weights are learned as ``We[k]`` = We_k^T, (m, n), and ``free_g[k]`` and ``free_m[k]``,
    (n, n), with the fixed momentum beta_k of FISTA and C = I - A^T We_k^T:
    Wg_k^T = (1 + beta_k) C + free_g[k] and Wm_k^T = -beta_k C + free_m[k]. This is an invertible
    linear change of variables, made for the reason given at LISTA.
    """

    name = "lfista"
    label = "LFISTA"
    reference = "Moreau & Bruna 2017, section 2 (LFISTA)"
    trainable = ("We", "free_g", "free_m", "log_threshold")
    classical = "fista"
    hyperparameters = {"lam": 0.1}

    def __init__(self, dictionary: Tensor, depth: int, hyper: Hyperparameters) -> None:
        super().__init__(dictionary, depth, hyper)
        n = self.A.shape[1]
        self.betas = fista_momentum(depth)
        self.We = self._per_layer(self.A / self.lipschitz)
        self.free_g = self._per_layer(torch.zeros(n, n))
        self.free_m = self._per_layer(torch.zeros(n, n))
        self.log_threshold = self._per_layer(math.log(self.hyper["lam"] / self.lipschitz))

    def start(self, b: Tensor) -> State:
        (x,) = super().start(b)
        return x, x

    def prepare(self, state: State, b: Tensor) -> State:
        return state

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, previous = prepared
        y = torch.lerp(x, previous, -self.betas[k])
        v = torch.addmm(y, torch.addmm(b, y, self.A.T, alpha=-1), self.We[k])
        v = v.addmm(x, self.free_g[k]).addmm(previous, self.free_m[k])
        return soft_threshold(v, self.log_threshold[k].exp()), x
