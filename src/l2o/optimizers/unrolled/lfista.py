"""LFISTA: FISTA unrolled with free weights for iterate, previous iterate and measurement."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from l2o.optimizers.classical.momentum import fista_momentum
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold
from l2o.optimizers.unrolled.net import UnrolledNet


class Lfista(UnrolledNet):
    """x+ = eta_{t_k}(Wg_k x + Wm_k x_prev + We_k b). The state is (x, x_prev).

    Starts as FISTA, or goes on from a trained LISTA, with Wm_k = 0.

    The weights are learned as ``We[k]`` = We_k^T, (m, n), ``free_g[k]`` and ``free_m[k]``, (n, n),
    with Wg_k^T = I - A^T We_k^T + free_g[k] and Wm_k^T = free_m[k]: an invertible linear change of
    variables, made for the reason given at LISTA.
    """

    name = "lfista"
    label = "LFISTA"
    reference = "Moreau & Bruna 2017, section 2 (LFISTA)"
    trainable = ("We", "free_g", "free_m", "log_threshold")
    starts = {"fista": "fista"}
    contains = "lista"
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}
    rate_factors = {"free_g": 0.1, "free_m": 0.1}  # faster, the free matrices fit the samples

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        identity = torch.eye(self.A.shape[1]).to(self.A)
        descent = identity - self.A.T @ self.A / self.lipschitz
        betas = fista_momentum(depth)
        self.We = self._per_layer(self.A / self.lipschitz)
        self.free_g = nn.ParameterList(nn.Parameter(beta * descent) for beta in betas)
        self.free_m = nn.ParameterList(nn.Parameter(-beta * descent) for beta in betas)
        self.log_threshold = self._ista_thresholds()

    @torch.no_grad()
    def adopt(self, other: UnrolledNet) -> None:
        for k, weight in enumerate(other.W1):
            self.We[k].copy_(weight)
            self.free_g[k].copy_(other.free[k])
            self.free_m[k].zero_()
            self.log_threshold[k].copy_(other.log_threshold[k])

    def start(self, b: Tensor) -> State:
        (x,) = super().start(b)
        return x, x

    def prepare(self, state: State, b: Tensor) -> State:
        x, previous = state
        return x, previous, torch.addmm(b, x, self.A.T, alpha=-1)

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, previous, residual = prepared
        v = torch.addmm(x, residual, self.We[k]).addmm(x, self.free_g[k])
        v = v.addmm(previous, self.free_m[k])
        return soft_threshold(v, self.log_threshold[k].exp()), x
