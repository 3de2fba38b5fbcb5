"""VAMP that estimates the prior, of each sample from its own measurements."""

from __future__ import annotations

from l2o.optimizers.bernoulli_gaussian import EstimatedPrior
from l2o.optimizers.classical.vamp import Vamp


class EmVamp(EstimatedPrior, Vamp):
    """VAMP, with density and variance of the prior by expectation maximisation from b alone.

    A few steps of it in every iteration, on r1, before x is estimated; the noise is VAMP's.
    """

    name = "em_vamp"
    label = "EM-VAMP"
    reference = "Fletcher, Sahraee-Ardakan, Rangan & Schniter 2017; start: Vila & Schniter 2013"
    hyperparameters = {"damping": 0.0}
    ranges = {"damping": "[0, 1)"}
