"""An update rule that drawing at random has found."""

from __future__ import annotations

from l2o.optimizers.update_rules import SymbolicOptimizer


class SymbolicRandom(SymbolicOptimizer):
    """The best rule of as many drawn ones: what evolution is held against.

    Source of the rules: Bello, Zoph, Vasudevan & Le 2017 (Neural Optimizer Search).
    """

    name = "symbolic_random"
    label = "Random rule"
    reference = "Bello et al. 2017, the grammar; rules drawn uniformly"
    hyperparameters = {"seed": 0, "steps": 10000, "rate": 0.01}
    ranges = {"seed": "integers [0, 1e15]", "steps": "integers [1, 1e15]", "rate": "(0, inf)"}
    departs = "random search in place of reinforcement learning, on a small MLP"
    evolved = False
