"""Plug-and-play ADMM with RealSN-SimpleCNN, whose norms are bounded."""

from __future__ import annotations

from l2o.optimizers.splitting import Admm


class PnpAdmmRealSn(Admm):
    """The survey's eq. (9) with a net in place of the prior's proximal operator.

    Hyperparameters: ``step`` of the data term; ``strength`` of the denoiser, 1 as it was
    trained.
    """

    name = "pnp_admm_real_sn"
    label = "PnP-ADMM, RealSN"
    reference = "Ryu, Liu, Wang, Chen, Wang & Yin 2019, algorithm 2"
    hyperparameters = {"step": 1.0, "strength": 1.0}
    ranges = {"step": "(0, inf)", "strength": "(0, inf)"}
    departs = (
        "pictures are not rescaled before the denoiser, which is positively homogeneous; "
        "a guard halves steps where residuals grow"
    )
    denoiser = "real_sn"
