"""Plug-and-play forward-backward splitting with RealSN-SimpleCNN."""

from __future__ import annotations

from l2o.optimizers.splitting import ForwardBackward


class PnpFbsRealSn(ForwardBackward):
    """A gradient step on the data term, then a net in place of a proximal operator.

    Hyperparameters: ``step`` of the data term, of 1 / L; ``strength`` of the denoiser, 1 as it was
    trained.
    """

    name = "pnp_fbs_real_sn"
    label = "PnP-FBS, RealSN"
    reference = "Ryu, Liu, Wang, Chen, Wang & Yin 2019, algorithm 1"
    hyperparameters = {"step": 1.0, "strength": 1.0}
    ranges = {"step": "(0, 2)", "strength": "(0, inf)"}
    departs = (
        "the picture after the denoiser is the result, as in the algorithm, not the one before it; "
        "a guard halves steps where residuals grow"
    )
    denoiser = "real_sn"
