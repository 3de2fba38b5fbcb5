"""ALISTA: analytic weights; only step sizes and thresholds are learned."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.net import UnrolledNet


class Alista(UnrolledNet):
    """x+ = eta^ss_{t_k, p_k}(x + g_k W^T (b - A x)) with W = argmin ||W^T A||_F^2, w_i^T a_i = 1.

    W is computed from A and stored with the net, not learned; g_k starts at 1. What is learned does
    not have the shape of A: a net can go on from one that was trained for another A of its law.
    """

    name = "alista"
    label = "ALISTA"
    reference = "Liu, Chen, Wang & Yin 2019, eqs. (9) and (16)"
    trainable = ("step", "log_threshold")
    starts = {"analytic": "analytic_ista_ss"}
    free_of_matrix = True
    contains = "alista"
    hyperparameters = {"lam": 0.1, "support_step": 1.2, "support_max": 13.0}
    ranges = {"lam": "(0, inf)", "support_step": "[0, 100]", "support_max": "[0, 100]"}

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.register_buffer("W", self._analytic_weights())
        self.step = self._per_layer(1.0)
        self.log_threshold = self._ista_thresholds()

    @torch.no_grad()
    def adopt(self, other: Alista) -> None:
        for name in other.trainable:
            for new, old in zip(getattr(self, name), getattr(other, name), strict=True):
                new.copy_(old)

    def prepare(self, state: State, b: Tensor) -> State:
        x = state[0]
        return x, torch.addmm(b, x, self.A.T, alpha=-1) @ self.W

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, direction = prepared
        percent = self._support_percent(k)
        v = torch.addcmul(x, direction, self.step[k])
        return (soft_threshold_with_support(v, self.log_threshold[k].exp(), percent),)
