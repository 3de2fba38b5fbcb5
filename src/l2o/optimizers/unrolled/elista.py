"""ELISTA: ALISTA with an extragradient step, whose residual is that of a half iterate."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold, soft_threshold_with_support
from l2o.optimizers.unrolled.alista import Alista


class Elista(Alista):
    """ALISTA that looks ahead; W as there.

    h  = eta_{u_k}(x + s_k W^T (b - A x))
    x+ = eta^ss_{t_k, p_k}(x + g_k W^T (b - A h))

    s_k and g_k start at 1, u_k and t_k at ISTA's threshold. With s_k = u_k = 0 it is ALISTA, from
    which it may go on. A layer takes twice the products of one of ALISTA.
    """

    name = "elista"
    label = "ELISTA"
    reference = "Li, Kong, Shang, Liu, Liu & Lin 2021"
    trainable = ("step", "log_threshold", "half_step", "half_threshold")
    starts = {"analytic": "analytic_extragradient_ss"}
    contains = "alista"
    hyperparameters = {"lam": 0.1, "support_step": 1.2, "support_max": 13.0}
    ranges = {"lam": "(0, inf)", "support_step": "[0, 100]", "support_max": "[0, 100]"}
    departs = "support selection in place of its own operator; u_k itself is learned, no logarithm"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.half_step = self._per_layer(1.0)
        self.half_threshold = self._per_layer(self.hyper["lam"] / self.lipschitz)

    @torch.no_grad()
    def adopt(self, other: Alista) -> None:
        super().adopt(other)
        for zero in (*self.half_step, *self.half_threshold):
            zero.zero_()

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, direction = prepared
        v = torch.addcmul(x, direction, self.half_step[k])
        half = soft_threshold(v, self.half_threshold[k])
        direction = torch.addmm(b, half, self.A.T, alpha=-1) @ self.W
        v = torch.addcmul(x, direction, self.step[k])
        percent = self._support_percent(k)
        return (soft_threshold_with_support(v, self.log_threshold[k].exp(), percent),)
