"""Plug-and-play ADMM with DnCNN, whose norms nothing bounds."""

from __future__ import annotations

from l2o.optimizers.splitting import Admm


class PnpAdmmDnCnn(Admm):
    """The survey's eq. (9) with a net in place of the prior's proximal operator.

    Hyperparameters: ``step`` of the data term; ``strength`` of the denoiser, 1 as it was
    trained.
    """

    name = "pnp_admm_dncnn"
    label = "PnP-ADMM, DnCNN"
    reference = "Ryu, Liu, Wang, Chen, Wang & Yin 2019, algorithm 2"
    hyperparameters = {"step": 1.0, "strength": 1.0}
    ranges = {"step": "(0, inf)", "strength": "(0, inf)"}
    departs = (
        "pictures are not rescaled before the denoiser, which is positively homogeneous; "
        "a guard halves steps where residuals grow"
    )
    denoiser = "dncnn"
