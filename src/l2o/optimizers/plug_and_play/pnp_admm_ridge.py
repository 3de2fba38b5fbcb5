"""Plug-and-play ADMM with a denoiser that is a proximal operator: it converges by proof."""

from __future__ import annotations

from l2o.optimizers.splitting import Admm


class PnpAdmmRidge(Admm):
    """ADMM for f + strength / step R with a learned convex R.

    Hyperparameters: ``step`` of the data term; ``strength`` of the denoiser, 1 as it was
    trained; ``scale`` s of its noise: s H(x / s).
    """

    name = "pnp_admm_ridge"
    label = "PnP-ADMM, convex ridge"
    reference = "Goujon et al. 2022, section V; Ryu, Liu, Wang, Chen, Wang & Yin 2019, algorithm 2"
    hyperparameters = {"step": 1.0, "strength": 1.0, "scale": 1.0}
    ranges = {"step": "(0, inf)", "strength": "(0, inf)", "scale": "(0, inf)"}
    departs = "ADMM in place of accelerated gradient descent"
    denoiser = "convex_ridge"
