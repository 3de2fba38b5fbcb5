"""Plug-and-play forward-backward splitting with a denoiser that is a proximal operator."""

from __future__ import annotations

from l2o.optimizers.splitting import ForwardBackward


class PnpFbsRidge(ForwardBackward):
    """Proximal gradient descent for f + strength L / step R with a learned convex R.

    Hyperparameters: ``step`` of the data term, of 1 / L; ``strength`` of the denoiser, 1 as it was
    trained; ``scale`` s of its noise: s H(x / s).
    """

    name = "pnp_fbs_ridge"
    label = "PnP-FBS, convex ridge"
    reference = "Goujon et al. 2022, section V; Ryu, Liu, Wang, Chen, Wang & Yin 2019, algorithm 1"
    hyperparameters = {"step": 1.0, "strength": 1.0, "scale": 1.0}
    ranges = {"step": "(0, 2)", "strength": "(0, inf)", "scale": "(0, inf)"}
    departs = "forward-backward splitting in place of accelerated gradient descent"
    denoiser = "convex_ridge"
