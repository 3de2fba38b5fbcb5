"""An update rule that evolution has found."""

from __future__ import annotations

from l2o.optimizers.update_rules import SymbolicOptimizer


class SymbolicRule(SymbolicOptimizer):
    """The best rule of regularised evolution: see :mod:`l2o.training.rule_search`.

    Source of the rules: Bello, Zoph, Vasudevan & Le 2017 (Neural Optimizer Search); of the search:
    Real, Aggarwal, Huang & Le 2019.
    """

    name = "symbolic_rule"
    label = "Evolved rule"
    reference = "Bello et al. 2017; Real et al. 2019"
    hyperparameters = {"seed": 0, "steps": 10000, "rate": 0.01}
    ranges = {"seed": "integers [0, 1e15]", "steps": "integers [1, 1e15]", "rate": "(0, inf)"}
    departs = "evolution in place of reinforcement learning, on a small MLP in place of a ConvNet"
    evolved = True
