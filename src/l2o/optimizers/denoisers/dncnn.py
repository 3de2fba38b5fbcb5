"""DnCNN: 17 convolutions, trained to tell the noise."""

from __future__ import annotations

from l2o.optimizers.denoiser import ResidualNet


class DnCnn(ResidualNet):
    """17 convolutions 3 x 3 with 64 features, 554,112 numbers; seven times the cost of SimpleCNN.

    Hyperparameters: ``sigma``, standard deviation of the noise it is trained on, of 255.
    """

    name = "dncnn"
    label = "DnCNN"
    reference = "Zhang, Zuo, Chen, Meng & Zhang 2017, 'Beyond a Gaussian denoiser'"
    hyperparameters = {"sigma": 15.0}
    ranges = {"sigma": "(0, 255]"}
    departs = "without batch normalisation, under which no bound on its layers would hold"
    depth = 17
