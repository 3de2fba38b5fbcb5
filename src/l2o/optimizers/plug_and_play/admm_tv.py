"""ADMM with total variation, the classical prior of pictures with edges."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.splitting import Admm
from l2o.optimizers.total_variation import denoised


class AdmmTv(Admm):
    """ADMM for f + weight TV, isotropic: the proximal operator by its dual, from the last one.

    Hyperparameters: ``step`` of the data term; ``weight`` of the total variation.
    """

    name = "admm_tv"
    label = "TV, ADMM"
    reference = "Rudin, Osher & Fatemi 1992; Beck & Teboulle 2009, 'Fast gradient-based algorithms for constrained total variation image denoising'"  # noqa: E501
    hyperparameters = {"step": 1.0, "weight": 0.01}
    ranges = {"step": "(0, inf)", "weight": "(0, inf)"}

    def prior(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return the proximal operator of step * weight TV, and its dual variable."""
        return denoised(x, self.hyper["step"] * self.hyper["weight"], memory)
