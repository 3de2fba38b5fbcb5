"""ADMM with orthogonal wavelets, averaged over shifts."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.splitting import Admm
from l2o.optimizers.wavelets import shrunk


class AdmmWavelet(Admm):
    """ADMM with soft thresholds of orthogonal wavelet coefficients as the prior.

    The operator is the mean of proximal operators of weight ||W S x||_1 over four shifts S: again a
    proximal operator, that of their proximal average, so that ADMM converges.

    Hyperparameters: ``step`` of the data term; ``weight`` of the coefficients' 1-norm.
    """

    name = "admm_wavelet"
    label = "Wavelets, ADMM"
    reference = "Donoho & Johnstone 1994; Coifman & Donoho 1995 (cycle spinning)"
    hyperparameters = {"step": 1.0, "weight": 0.01}
    ranges = {"step": "(0, inf)", "weight": "(0, inf)"}
    departs = "four shifts in place of all"

    def prior(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean over shifts with the threshold step * weight."""
        return shrunk(x, self.hyper["step"] * self.hyper["weight"]), memory
