"""L2O-enhanced: L2O-DM's net, trained better."""

from __future__ import annotations

from l2o.optimizers.recurrent.l2o_dm import L2oDm


class L2oEnhanced(L2oDm):
    """The net of L2O-DM; what is new is its training: growing horizons, and imitation of a teacher.

    Both are told in the parameter file (``horizons``, ``imitation``).
    """

    name = "l2o_enhanced"
    label = "L2O-enhanced"
    reference = "Chen, Zhang, Zhou, Chang, Liu, Amini & Wang 2020, sections 3.1 and 3.2"
    hyperparameters = {"hidden": 20, "scale": 0.1, "p": 10.0}
    ranges = {"hidden": "integers [1, 1000]", "scale": "(0, inf)", "p": "(0, 80]"}
