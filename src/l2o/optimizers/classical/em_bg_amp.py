"""Bayes-optimal AMP that estimates the prior, of each sample from its own measurements."""

from __future__ import annotations

from l2o.optimizers.bernoulli_gaussian import EstimatedPrior
from l2o.optimizers.classical.bg_amp import BgAmp


class EmBgAmp(EstimatedPrior, BgAmp):
    """BG-AMP, with density and variance of the prior by expectation maximisation from b alone.

    A few steps of it in every iteration, on r, before x is estimated. The noise needs no estimate
    of its own: ||v||^2 / m has it, with the error that x still has.
    """

    name = "em_bg_amp"
    label = "EM-BG-AMP"
    reference = "Vila & Schniter 2013, section III"
    hyperparameters = {"damping": 0.0}
    ranges = {"damping": "[0, 1)"}
