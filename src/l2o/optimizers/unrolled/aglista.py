"""AGLISTA: ALISTA with the gates of gated LISTA, a gain before a layer, an overshoot after it."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.alista import Alista


class Aglista(Alista):
    """ALISTA whose residual is that of a gained iterate, followed by an overshoot.

    gain = 1 + t_k u_k exp(-v_k |x|)
    x~ = eta^ss_{t_k, p_k}(x + g_k W^T (b - A (gain x)))
    x+ = x~ + a_k (x~ - x) / (|x~ - x| + e)

    Gates start closed (u_k = a_k = 0), where it is ALISTA; v_k starts at 1, e is fixed. It goes on
    from a trained ALISTA.
    """

    name = "aglista"
    label = "AGLISTA"
    reference = "Wu, Guo, Li & Zhang 2020, as run by Behrens, Sauder & Jung 2021"
    trainable = ("step", "log_threshold", "gain", "decay", "overshoot")
    starts = {"analytic": "analytic_ista_ss"}
    contains = "alista"
    hyperparameters = {"lam": 0.1, "support_step": 1.2, "support_max": 13.0, "least_change": 0.01}
    ranges = {
        "lam": "(0, inf)",
        "support_step": "[0, 100]",
        "support_max": "[0, 100]",
        "least_change": "(0, inf)",
    }
    departs = "gates start closed; the first layer has no gain of its own, where x = 0"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.gain = self._per_layer(0.0)
        self.decay = self._per_layer(1.0)
        self.overshoot = self._per_layer(0.0)

    def prepare(self, state: State, b: Tensor) -> State:
        return state

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        (x,) = prepared
        threshold = self.log_threshold[k].exp()
        gained = x * (1 + threshold * self.gain[k] * torch.exp(-self.decay[k] * x.abs()))
        direction = torch.addmm(b, gained, self.A.T, alpha=-1) @ self.W
        v = torch.addcmul(x, direction, self.step[k])
        shrunk = soft_threshold_with_support(v, threshold, self._support_percent(k))
        change = shrunk - x
        over = self.overshoot[k] * change / (change.abs() + self.hyper["least_change"])
        return (shrunk + over,)
