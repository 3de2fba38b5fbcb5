"""Safe-L2O: a learned step where it makes a residual small enough, else a classical one."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Composite
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.proximal import proximal_gradient

SCHEDULES = ("geometric", "recent", "average")


class SafeL2o:
    """Any optimizer for f = s + h, held to a residual that falls; each instance for itself.

    With T x = prox_{h / L}(x - grad s(x) / L) and S(x) = ||x - T x||, from x:

        y from the learned optimizer at x
        x+ = y where S(y) <= alpha mu, else T x
        where S(x+) <= alpha mu:   mu+ = theta mu                      geometric
                                   mu+ = S(x+)                         recent
                                   mu+ = theta S(x+) + (1 - theta) mu  average
        elsewhere mu+ = mu; at the start mu = S(x_0)

    mu falls at least by a factor below 1 each time that a learned step is taken: either that
    happens without end, and residuals along them go to 0, or from some step on all are T, which
    converges for convex f. Each step costs S(y) beside the learned step, one gradient of s, and
    where a step of any instance of the batch falls back one more, of the new T x. The project's own
    rule (:mod:`l2o.optimizers.safeguarded`) compares values of f with those of FISTA instead.

    Source: Heaton, Chen, Wang & Yin 2023, "Safeguarded learned convex optimization" (AAAI), of
    which the rule and the names of the schedules were at hand; what they do exactly is written from
    that, and that mu starts at S(x_0) is ours.

    The state is (x, T x, mu, steps that fell back, what the optimizer remembers), with mu and the
    count (batch,).

    Parameters
    ----------
    inner : the learned optimizer
    schedule : of :data:`SCHEDULES`
    alpha : in [0, 1), how much smaller a residual has to be
    theta : in (0, 1), see above; ``recent`` does not read it
    """

    def __init__(self, inner: Optimizer, schedule: str, alpha: float, theta: float) -> None:
        if schedule not in SCHEDULES or not (0 <= alpha < 1 and 0 < theta < 1):
            raise ValueError(f"{schedule}, alpha {alpha}, theta {theta}")
        self.inner, self.schedule, self.alpha, self.theta = inner, schedule, alpha, theta
        self.name, self.label = inner.name, inner.label

    def init(self, optimizee: Composite, x: Tensor) -> State:
        start, *memory = self.inner.init(optimizee, x)
        moved = proximal_gradient(optimizee, start)
        mu = (start - moved).norm(dim=-1)
        return start, moved, mu, torch.zeros_like(mu, dtype=torch.int64), *memory

    def step(self, optimizee: Composite, state: State) -> State:
        x, safe, mu, fallen, *memory = state
        y, *memory = self.inner.step(optimizee, (x, *memory))
        moved = proximal_gradient(optimizee, y)
        residual = (y - moved).norm(dim=-1)
        taken = residual <= self.alpha * mu  # false for NaN, where the optimizer has diverged
        if not taken.all():
            own = taken[:, None]
            y = torch.where(own, y, safe)
            moved = torch.where(own, moved, proximal_gradient(optimizee, safe))
            residual = (y - moved).norm(dim=-1)
        mu = torch.where(residual <= self.alpha * mu, self._following(mu, residual), mu)
        return y, moved, mu, fallen + ~taken, *memory

    def _following(self, mu: Tensor, residual: Tensor) -> Tensor:
        """Return the next mu, (batch,), where a residual is small enough."""
        if self.schedule == "geometric":
            return self.theta * mu
        if self.schedule == "recent":
            return residual
        return self.theta * residual + (1.0 - self.theta) * mu
