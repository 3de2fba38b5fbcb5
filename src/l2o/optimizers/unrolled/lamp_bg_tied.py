"""LAMP with the Bernoulli-Gaussian denoiser and one weight matrix, tied over all layers."""

from __future__ import annotations

from torch import Tensor, nn

from l2o.optimizers.unrolled.lamp_bg import LampBg


class LampBgTied(LampBg):
    """LAMP-BG with one learned W, (m, n), for all layers; the scalars are those of each layer."""

    name = "lamp_bg_tied"
    label = "LAMP-BG, tied"
    reference = "Borgerding, Schniter & Rangan 2017, section V-B: Bernoulli-Gaussian, tied"
    trainable = ("weight", "onsager", "log_noise", "log_odds", "log_variance")
    contains = ""
    starts = {"analytic": "analytic_bg", "amp": "bg_amp"}
    hyperparameters = {"density": 0.1, "variance": 1.0}
    ranges = {"density": "(0, 1)", "variance": "(0, inf)"}
    departs = "learns a factor on the Onsager term; may start with ALISTA's weights, without it"

    def _weights(self) -> nn.Parameter:
        return nn.Parameter(self._start_weights().clone())

    def weight_of(self, k: int) -> Tensor:
        return self.weight
