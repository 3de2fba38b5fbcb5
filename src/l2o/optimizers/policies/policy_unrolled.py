"""The network of the policy, trained by backpropagation: what it can be."""

from __future__ import annotations

from l2o.optimizers.policy import Policy


class PolicyUnrolled(Policy):
    """:class:`l2o.optimizers.policy.Policy`, trained through whole runs.

    No derivative is taken through the gradient of f and the features: with it training got worse on
    robust regression. The deviation is not trained.
    Source: Li & Malik 2016 (network); Andrychowicz et al. 2016 (training).
    """

    name = "policy_unrolled"
    label = "Policy, unrolled"
    reference = "Li & Malik 2016"
    hyperparameters = {
        "history": 25,
        "units": 50,
        "scale": 50.0,
        "rate": 0.05,
        "deviation": 0.05,
        "anchored": 1,
        "dimension": 3,
    }
    ranges = {
        "history": "integers [1, 1000]",
        "units": "integers [1, 10000]",
        "scale": "(0, inf)",
        "rate": "(0, inf)",
        "deviation": "(0, inf)",
        "anchored": "integers [0, 1]",
        "dimension": "integers [1, 1000]",
    }
    departs = "backpropagation, not guided policy search; begins as gradient descent"
    learns = "backpropagation"
