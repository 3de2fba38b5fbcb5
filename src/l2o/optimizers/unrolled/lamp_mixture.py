"""LAMP with a learned Gaussian mixture for a prior, for signals whose law nobody tells."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.gaussian_mixture import mixture_posterior
from l2o.optimizers.protocol import Hyperparameters
from l2o.optimizers.unrolled.denoised_lamp import DenoisedLamp

WIDTHS = (0.1, 1.0, 10.0)  # variances at the start, in units of the hyperparameter


class LampMixture(DenoisedLamp):
    """LAMP whose prior is 0 or one of three centred Gaussians, with learned shares and variances.

    See :class:`~l2o.optimizers.unrolled.denoised_lamp.DenoisedLamp`. ``weight[k]`` is W_k, (m, n);
    ``log_share[k]``, (4,), are the shares up to a factor, the first one that of 0;
    ``log_variance[k]``, (3,). The shares of the start have the density and the variance given.
    """

    name = "lamp_mixture"
    label = "LAMP-mixture"
    reference = "Borgerding, Schniter & Rangan 2017, with a Gaussian mixture; Vila & Schniter 2013"
    trainable = ("weight", "onsager", "log_noise", "log_share", "log_variance")
    starts = {"analytic": "analytic_mixture", "amp": "mixture_amp"}
    hyperparameters = {"density": 0.1, "variance": 1.0}
    ranges = {"density": "(0, 1)", "variance": "(0, inf)"}
    departs = "a mixture in place of their denoisers; learns a factor on the Onsager term"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        density, variance = self.hyper["density"], self.hyper["variance"]
        shares = [1 - density, *(density / len(WIDTHS) for _ in WIDTHS)]
        self.log_share = self._per_layer(torch.tensor(shares, dtype=torch.float64).log())
        mean = variance / (sum(WIDTHS) / len(WIDTHS))
        variances = torch.tensor([w * mean for w in WIDTHS], dtype=torch.float64)
        self.log_variance = self._per_layer(variances.log())

    def denoise(self, k: int, r: Tensor, tau2: Tensor) -> tuple[Tensor, Tensor]:
        return mixture_posterior(r, tau2, self.log_share[k], self.log_variance[k].exp())
