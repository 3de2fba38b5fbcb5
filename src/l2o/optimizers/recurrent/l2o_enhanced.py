"""L2O-enhanced: L2O-DM's net, trained better."""

from __future__ import annotations

import math

import torch

from l2o.config.meta_training import AnalyticStart
from l2o.optimizers.recurrent.l2o_dm import L2oDm

MOMENTUM = 0.95
SIGN = 1.5  # weight of the sign of a gradient: tanh(1.5) = 0.91


class L2oEnhanced(L2oDm):
    """The net of L2O-DM; what is new is its training: growing horizons, and imitation of a teacher.

    Both are told in the parameter file (``horizons``, ``imitation``).
    """

    name = "l2o_enhanced"
    label = "L2O-enhanced"
    reference = "Chen, Zhang, Zhou, Chang, Liu, Amini & Wang 2020, sections 3.1 and 3.2"
    hyperparameters = {"hidden": 20, "scale": 0.1, "p": 10.0}
    ranges = {"hidden": "integers [1, 1000]", "scale": "(0, inf)", "p": "(0, 80]"}

    @torch.no_grad()
    def begin(self, start: AnalyticStart) -> None:
        """Start as gradient descent with momentum whose steps have a bound, both falling with time.

        A gate sigmoid(log|g|) is about |g|, so that with the sign the LSTM's cell takes up g: it is
        a momentum of 0.95, whose hyperbolic tangent is the step. Where that is small, steps are
        proportional to it; where it is large, they are its sign.
        """
        keep = math.log(MOMENTUM / (1.0 - MOMENTUM))
        self.lstm.begin({0: self.hyper["p"]}, {1: SIGN}, keep, start)
