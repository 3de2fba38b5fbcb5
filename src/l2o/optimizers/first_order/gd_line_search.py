"""Gradient descent whose step is found by backtracking."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.line_search import backtracked
from l2o.optimizers.protocol import Optimizer, State


class GdLineSearch(Optimizer):
    """x+ = x - t g, t the first of t_k, shrink t_k, ... with f(x+) <= f(x) - decrease t ||g||^2.

    The search begins at ``rate`` and goes on from the last step, which so never grows; with a
    decrease of 1/2 the test is that of Beck & Teboulle. f falls from step to step, up to rounding.
    Each instance has its own step. The state is (x, f(x), t).
    """

    name = "gd_line_search"
    label = "GD, line search"
    reference = "Armijo 1966; Beck & Teboulle 2009, section 4; paper 4.2"
    hyperparameters = {"rate": 0.1, "shrink": 0.5, "decrease": 0.5}
    ranges = {"rate": "(0, inf)", "shrink": "(0, 0.99]", "decrease": "(0, 1)"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        value = optimizee.objective(x)
        return x, value, torch.full_like(value, self.hyper["rate"])

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, value, step = state
        g = optimizee.gradient(x)
        slope = -self.hyper["decrease"] * g.square().sum(dim=-1)
        return backtracked(optimizee, x, value, -g, slope, step, self.hyper["shrink"])
