"""Nonlinear conjugate gradients, for all instances of a batch at once."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.line_search import backtracked, descending
from l2o.optimizers.protocol import Optimizer, State


class ConjugateGradient(Optimizer):
    """x+ = x + t d, d+ = -g+ + max(0, g+^T (g+ - g) / g^T g) d.

    t is where the slope along d, taken as a line through its values at x and at x + ``probe`` d /
    ||d||, is zero, cut down by backtracking while f(x+) > f(x) + decrease t g^T d; where that line
    does not rise, t is the last one. A step asks for two gradients and at least one value. The
    state is (x, f, g, d, t). On quadratics it is the method of conjugate gradients.
    """

    name = "conjugate_gradient"
    label = "Nonlinear CG"
    reference = "Polak & Ribiere 1969; Shewchuk 1994, section 14.1; Nocedal & Wright 2006, eq. 5.45"
    hyperparameters = {"probe": 1e-4, "shrink": 0.5, "decrease": 1e-4}
    ranges = {"probe": "(0, 1]", "shrink": "(0, 0.99]", "decrease": "(0, 1)"}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        g = optimizee.gradient(x)
        return x, optimizee.objective(x), g, -g, 1.0 / g.norm(dim=-1).clamp_min(1.0)

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, value, g, d, last = state
        d, slope = descending(d, g)
        reach = self.hyper["probe"] / d.norm(dim=-1).clamp_min(torch.finfo(d.dtype).tiny ** 0.5)
        ahead = optimizee.gradient(x + reach.unsqueeze(-1) * d)
        bend = ((ahead - g) * d).sum(dim=-1) / reach
        rising = bend > 0
        first = torch.where(rising, -slope / bend.where(rising, 1.0), last)
        search = self.hyper["decrease"] * slope, first, self.hyper["shrink"]
        new, value, taken = backtracked(optimizee, x, value, d, *search)
        after = optimizee.gradient(new)
        square = g.square().sum(dim=-1).clamp_min(torch.finfo(g.dtype).tiny)
        share = ((after * (after - g)).sum(dim=-1) / square).clamp_min(0.0)
        d = share.unsqueeze(-1) * d - after
        return new, value, after, d, torch.where(taken > 0, taken, last)
