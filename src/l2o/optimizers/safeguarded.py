"""A learned optimizer on LASSO that cannot go wrong: the better of its step and FISTA's."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.lasso import Lasso
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.protocol import Optimizer, State


class Safeguarded:
    """Monotone FISTA, whose choice between two points has a third one: the learned step.

    From x with f(x), each instance for itself:

        y from the learned optimizer at x;  z = eta_{lam/L}(p - A^T (A p - b) / L)
        x+ = y where f(y) <= f(z) and f(y) < f(x); else z where f(z) < f(x); else x
        p+ = x+ + t / t+ (z - x+) + (t - 1) / t+ (x+ - x),   t+ = (1 + sqrt(1 + 4 t^2)) / 2

    The optimizer's memory takes part in every step, chosen or not; only its x is replaced, and not
    before it has done its ``uninterrupted`` iterations: the layers of a net are trained as a whole,
    and the first ones may well lead up. So f never increases, and whatever the optimizer does,
    f(x_k) - f* <= 2 L ||x_0 - x*||^2 / (k + 1)^2: the proof for monotone FISTA asks of x+ no more
    than f(x+) <= f(z). Testing the learned step for a decrease alone would let ever shorter steps
    stall above the optimum.

    Sources: monotone FISTA, Beck & Teboulle 2009 (IEEE Trans. Image Process. 18, no. 11). The
    scheme, a learned step or else a safe one, is that of Heaton, Chen, Wang & Yin 2020,
    "Safeguarded learned convex optimization"; they accept by the residual of a fixed-point
    operator, where we compare objectives.

    The state is (x, f(x), steps z taken, p, t, iterations done, the optimizer's own x, what it
    remembers); f and the number of steps taken are (batch,).

    Parameters
    ----------
    inner : the learned optimizer
    proximal : makes the step z
    uninterrupted : iterations of the learned optimizer from its own x, such as the depth of a net
    """

    def __init__(self, inner: Optimizer, proximal: Ista, uninterrupted: int = 0) -> None:
        self.inner, self.proximal, self.uninterrupted = inner, proximal, uninterrupted
        self.name, self.label = inner.name, inner.label

    def init(self, optimizee: Lasso, x: Tensor) -> State:
        start, *memory = self.inner.init(optimizee, x)
        f = optimizee.objective(start)
        none = torch.zeros_like(f, dtype=torch.int64)
        return start, f, none, start, f.new_ones(()), f.new_zeros(()), start, *memory

    def step(self, optimizee: Lasso, state: State) -> State:
        x, f, taken, p, t, done, own, *memory = state
        y, *memory = self.inner.step(optimizee, (own, *memory))
        (z,) = self.proximal.step(optimizee, (p,))
        f_y, f_z = optimizee.objective(y), optimizee.objective(z)
        learned = (f_y <= f_z) & (f_y < f)  # false for NaN, where the optimizer has diverged
        safe = ~learned & (f_z < f)
        new = torch.where(learned[:, None], y, torch.where(safe[:, None], z, x))
        f = torch.where(learned, f_y, torch.where(safe, f_z, f))
        following = (1 + torch.sqrt(1 + 4 * t * t)) / 2
        p = new + t / following * (z - new) + (t - 1) / following * (new - x)
        own = y if done + 1 < self.uninterrupted else new
        return new, f, taken + safe, p, following, done + 1, own, *memory
