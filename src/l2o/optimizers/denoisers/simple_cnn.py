"""SimpleCNN: four convolutions, trained to tell the noise."""

from __future__ import annotations

from l2o.optimizers.denoiser import ResidualNet


class SimpleCnn(ResidualNet):
    """Four convolutions 3 x 3 with 64 features, 74,880 numbers; nothing bounds their norms.

    Hyperparameters: ``sigma``, standard deviation of the noise it is trained on, of 255.
    """

    name = "simple_cnn"
    label = "SimpleCNN"
    reference = "Ryu, Liu, Wang, Chen, Wang & Yin 2019, section 5.1"
    hyperparameters = {"sigma": 15.0}
    ranges = {"sigma": "(0, 255]"}
    departs = "Adam's rate falls as a cosine, and patches are drawn at random places"
    depth = 4
