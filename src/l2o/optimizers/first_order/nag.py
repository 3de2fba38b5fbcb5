"""Nesterov's accelerated gradient, its step found by backtracking."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.line_search import backtracked
from l2o.optimizers.protocol import Optimizer, State


class Nag(Optimizer):
    """x+ = y - t g(y); y+ = x+ + (s - 1) / s+ (x+ - x), s+ = (1 + sqrt(1 + 4 s^2)) / 2.

    t is the first of t_k, shrink t_k, ... with f(x+) <= f(y) - decrease t ||g(y)||^2; it begins at
    ``rate`` and never grows. Each instance has its own. f may rise from step to step. The state is
    (x, y, t, s).
    """

    name = "nag"
    label = "NAG"
    reference = "Nesterov 1983; Beck & Teboulle 2009, section 4; paper 4.2"
    hyperparameters = {"rate": 0.1, "shrink": 0.5, "decrease": 0.5}
    ranges = {"rate": "(0, inf)", "shrink": "(0, 0.99]", "decrease": "(0, 1)"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x, x.new_full(x.shape[:-1], self.hyper["rate"]), x.new_ones(())

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, y, step, s = state
        g = optimizee.gradient(y)
        slope = -self.hyper["decrease"] * g.square().sum(dim=-1)
        search = (y, optimizee.objective(y), -g, slope, step, self.hyper["shrink"])
        new, _, step = backtracked(optimizee, *search)
        following = (1.0 + torch.sqrt(1.0 + 4.0 * s.square())) / 2.0
        return new, new + (s - 1.0) / following * (new - x), step, following
