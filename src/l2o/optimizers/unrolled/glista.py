"""GLISTA: gated LISTA, with gain gates before a layer and overshoot gates after it."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.lista_cpss import ListaCpss


class Glista(ListaCpss):
    """LISTA-CPSS on a gained iterate, followed by an overshoot.

    gain = 1 + al_k relu(1 - relu(D_k |x|));  z = gain x
    x~ = eta^ss_{t_k, p_k}(z + W_k^T (b - A z))
    o = 1 - ao_k t_k c / (|x~ - x| + 0.1), with c = 1 off the previous layer's selected support
    x+ = o x~ + (1 - o) x

    The gain is learned as log(1 + al_k), so that al_k stays above -1: a gate that turns signs
    around makes samples fail that no training sample warned of.

    Gates start closed (al_k = ao_k = 0), where the net is LISTA-CPSS. The state is (x, c).
    """

    name = "glista"
    label = "GLISTA"
    reference = "Wu, Guo, Li & Zhang 2020, eqs. (7), (11) and (14)"
    trainable = ("weight", "log_threshold", "log_gain", "width", "overshoot")
    starts = {"analytic": "analytic_ista_ss", "ista": "ista_ss"}
    contains = "tilista"
    hyperparameters = {"lam": 0.1, "support_step": 1.2, "support_max": 13.0, "gate_width": 1.0}
    ranges = {
        "lam": "(0, inf)",
        "support_step": "[0, 100]",
        "support_max": "[0, 100]",
        "gate_width": "(0, inf)",
    }
    departs = "gates start closed, gains stay positive; starts with ALISTA's weights"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.log_gain = self._per_layer(0.0)
        self.width = self._per_layer(self.hyper["gate_width"])
        self.overshoot = self._per_layer(0.0)

    def start(self, b: Tensor) -> State:
        (x,) = super().start(b)
        return x, torch.ones_like(x)

    def prepare(self, state: State, b: Tensor) -> State:
        return state

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, unselected = prepared
        z = self._gained(k, x)
        v = torch.addmm(z, torch.addmm(b, z, self.A.T, alpha=-1), self.weight[k])
        threshold = self.log_threshold[k].exp()
        percent = self._support_percent(k)
        shrunk = soft_threshold_with_support(v, threshold, percent)
        following = v.detach().clone().ne_(shrunk.detach()) if percent else unselected
        return self._overshot(shrunk, x, unselected, self.overshoot[k] * threshold), following

    def _gained(self, k: int, x: Tensor) -> Tensor:
        gain = self.log_gain[k].expm1()
        if torch.is_grad_enabled():
            gate = torch.relu(1 - torch.relu(self.width[k] * x.abs()))
            return x * (1 + gain * gate)
        # The same, to the bit, in place: half of the time.
        gate = x.abs().mul_(self.width[k]).relu_().neg_().add_(1).relu_()
        return gate.mul_(gain).add_(1).mul_(x)

    @staticmethod
    def _overshot(shrunk: Tensor, x: Tensor, unselected: Tensor, strength: Tensor) -> Tensor:
        change = shrunk - x
        if torch.is_grad_enabled():
            return shrunk - strength * unselected * change / (change.abs() + 0.1)
        size = change.abs().add_(0.1)
        return shrunk - change.mul_(strength).mul_(unselected).div_(size)
