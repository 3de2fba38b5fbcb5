"""ISTA-Net+ over the whole picture: its convolutions see over the borders of the blocks."""

from __future__ import annotations

from l2o.optimizers.sensing_nets.ista_net_plus import IstaNetPlus


class IstaNetWhole(IstaNetPlus):
    """The phases of ISTA-Net+, trained on crops of several blocks and run on whole pictures.

    Measurements are those of blocks as before; only the learned transforms have no borders inside
    of a picture, so that blocks leave no trace. Of ours; the idea is that of the deblocking of
    Zhang, Liu, Liu & Gao, "AMP-Net", IEEE TIP 2021.
    """

    name = "ista_net_whole"
    label = "ISTA-Net+, whole pictures"
    reference = "ours; Zhang & Ghanem 2018"
    hyperparameters = {"phases": 9, "filters": 32}
    ranges = {"phases": "integers [1, 100]", "filters": "integers [2, 256]"}
    departs = "ours: ISTA-Net+ whose convolutions see the whole picture instead of one block"
    whole = True
