"""L-BFGS with backtracking, for all instances of a batch at once."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.line_search import backtracked, descending
from l2o.optimizers.protocol import Optimizer, State


class Lbfgs(Optimizer):
    """x+ = x - t H g, with H from the last ``pairs`` of steps s and changes y of the gradient.

    t is the first of 1, shrink, shrink^2, ... with f(x+) <= f(x) - decrease t g^T H g; before there
    is a pair, H = I / max(1, ||g||). A pair without y^T s > 0, which this search cannot exclude, is
    passed over. A step asks for a gradient and at least one value. The state is
    (x, f, g, s, y, 1 / y^T s, scale of the first H): s and y (batch, pairs, n), newest first.
    """

    name = "lbfgs"
    label = "L-BFGS"
    reference = "Liu & Nocedal 1989; Nocedal & Wright 2006, algorithms 7.4 and 7.5"
    hyperparameters = {"pairs": 10, "shrink": 0.5, "decrease": 1e-4}
    ranges = {"pairs": "integers [1, 1000]", "shrink": "(0, 0.99]", "decrease": "(0, 1)"}
    departs = "backtracking in place of the conditions of Wolfe"

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        g = optimizee.gradient(x)
        pairs = x.new_zeros(len(x), int(self.hyper["pairs"]), x.shape[1])
        scale = 1.0 / g.norm(dim=-1).clamp_min(1.0)
        return x, optimizee.objective(x), g, pairs, pairs, pairs[..., 0], scale

    def step(self, optimizee: Optimizee, state: State) -> State:
        x, value, g, s, y, rho, scale = state
        d, slope = descending(-_applied(g, s, y, rho, scale), g)
        search = self.hyper["decrease"] * slope, torch.ones_like(value), self.hyper["shrink"]
        new, value, _ = backtracked(optimizee, x, value, d, *search)
        after = optimizee.gradient(new)
        step, change = new - x, after - g
        curvature, size = (step * change).sum(dim=-1), change.square().sum(dim=-1)
        sound = curvature > 1e-10 * step.norm(dim=-1) * size.sqrt()
        inverse = torch.where(sound, 1.0 / curvature.where(sound, 1.0), 0.0)
        scale = torch.where(sound, curvature / size.where(sound, 1.0), scale)
        kept = (_pushed(*pair) for pair in ((step, s), (change, y), (inverse, rho)))
        return new, value, after, *kept, scale


def _pushed(new: Tensor, old: Tensor) -> Tensor:
    """Return a memory with a new entry in front, without its oldest one."""
    return torch.cat([new.unsqueeze(1), old[:, :-1]], dim=1)


def _applied(g: Tensor, s: Tensor, y: Tensor, rho: Tensor, scale: Tensor) -> Tensor:
    """Return H g, (batch, n), by the two loops; a pair whose 1 / y^T s is 0 changes nothing."""
    shares = []
    for s_i, y_i, rho_i in zip(s.unbind(1), y.unbind(1), rho.unbind(1), strict=True):
        shares.append((rho_i * (s_i * g).sum(dim=-1)).unsqueeze(-1))
        g = g - shares[-1] * y_i
    g = scale.unsqueeze(-1) * g
    backwards = zip(s.unbind(1), y.unbind(1), rho.unbind(1), shares, strict=True)
    for s_i, y_i, rho_i, share in reversed([*backwards]):
        g = g + (share - (rho_i * (y_i * g).sum(dim=-1)).unsqueeze(-1)) * s_i
    return g
