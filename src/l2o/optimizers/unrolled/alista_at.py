"""ALISTA-AT: ALISTA whose threshold is lower where the iterate is large."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.alista import Alista


class AlistaAt(Alista):
    """x+ = eta^ss_{t, p_k}(x + g_k W^T (b - A x)) with t = t_k / (1 + |x| / w), entry by entry.

    W and what is learned are those of ALISTA, w is fixed.
    """

    name = "alista_at"
    label = "ALISTA-AT"
    reference = "Kim & Park 2020, as run by Behrens, Sauder & Jung 2021"
    trainable = ("step", "log_threshold")
    starts = {"analytic": "analytic_reweighted_ss"}
    contains = ""
    hyperparameters = {"lam": 1.0, "support_step": 1.2, "support_max": 13.0, "width": 0.1}
    ranges = {
        "lam": "(0, inf)",
        "support_step": "[0, 100]",
        "support_max": "[0, 100]",
        "width": "(0, inf)",
    }

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, direction = prepared
        v = torch.addcmul(x, direction, self.step[k])
        threshold = self.log_threshold[k].exp() / (1 + x.abs() / self.hyper["width"])
        return (soft_threshold_with_support(v, threshold, self._support_percent(k)),)
