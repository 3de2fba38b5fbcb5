"""The optimizer that reinforcement learning found: a policy for a fixed number of unknowns."""

from __future__ import annotations

from l2o.optimizers.policy import Policy


class PolicyOptimizer(Policy):
    """:class:`l2o.optimizers.policy.Policy`, trained by policy gradients; all coordinates at once.

    Source: Li & Malik 2016, who train it by guided policy search.
    """

    name = "policy_optimizer"
    label = "RL policy"
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
    departs = "policy gradients, not guided policy search; begins as gradient descent"
