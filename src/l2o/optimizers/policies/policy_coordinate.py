"""A policy that all coordinates share, for any number of unknowns."""

from __future__ import annotations

from l2o.optimizers.policy import Policy


class PolicyCoordinate(Policy):
    """:class:`l2o.optimizers.policy.Policy` with one network for all coordinates.

    Each has the changes of f and its own gradients, so that coordinates in another order have
    their steps in that order. Source: Li & Malik 2017, who have such groups of coordinates, an LSTM
    for each group, and averages over iterations as features.
    """

    name = "policy_coordinate"
    label = "RL policy, shared"
    reference = "Li & Malik 2017"
    hyperparameters = {
        "history": 25,
        "units": 50,
        "scale": 50.0,
        "rate": 0.05,
        "deviation": 0.05,
        "anchored": 1,
    }
    ranges = {
        "history": "integers [1, 1000]",
        "units": "integers [1, 10000]",
        "scale": "(0, inf)",
        "rate": "(0, inf)",
        "deviation": "(0, inf)",
        "anchored": "integers [0, 1]",
    }
    departs = "a perceptron, not an LSTM; policy gradients, not guided policy search"
    shared = True
