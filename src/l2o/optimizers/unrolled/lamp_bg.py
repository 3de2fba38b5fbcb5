"""LAMP with the Bernoulli-Gaussian denoiser: learned Bayes-optimal message passing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizers.bernoulli_gaussian import Prior, posterior
from l2o.optimizers.protocol import Hyperparameters
from l2o.optimizers.unrolled.denoised_lamp import DenoisedLamp


class LampBg(DenoisedLamp):
    """LAMP whose prior has the density p_k and the variance s_k, learned as log odds and logarithm.

    See :class:`~l2o.optimizers.unrolled.denoised_lamp.DenoisedLamp`. ``weight[k]`` is W_k, (m, n).
    It goes on from a trained one with tied weights.
    """

    name = "lamp_bg"
    label = "LAMP-BG"
    reference = "Borgerding, Schniter & Rangan 2017, section V-B: Bernoulli-Gaussian, untied"
    trainable = ("weight", "onsager", "log_noise", "log_odds", "log_variance")
    contains = "lamp_bg_tied"
    starts = {"analytic": "analytic_bg", "amp": "bg_amp"}
    hyperparameters = {"density": 0.1, "variance": 1.0}
    ranges = {"density": "(0, 1)", "variance": "(0, inf)"}
    departs = "learns a factor on the Onsager term; may start with ALISTA's weights, without it"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        density = self.hyper["density"]
        self.log_odds = self._per_layer(math.log(density / (1 - density)))
        self.log_variance = self._per_layer(math.log(self.hyper["variance"]))

    @torch.no_grad()
    def adopt(self, other: DenoisedLamp) -> None:
        for k, weight in enumerate(self.weight):
            weight.copy_(other.weight_of(k))
        for name in self.trainable[1:]:
            for new, old in zip(getattr(self, name), getattr(other, name), strict=True):
                new.copy_(old)

    def denoise(self, k: int, r: Tensor, tau2: Tensor) -> tuple[Tensor, Tensor]:
        found = posterior(r, tau2, Prior(self.log_odds[k].sigmoid(), self.log_variance[k].exp()))
        return found.mean, found.slope
