"""Descents side by side, each of which begins anew where it ends: of multi-start, and of hopping.

Every trial of every descent costs one function value and one gradient, whether it is accepted or
not, so that all runs of a batch go in step and a step costs the same for each.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.draws import normal_draws, uniform_draws
from l2o.optimizers.line_search import ROUNDING
from l2o.optimizers.local_descent import DECREASE, LONGEST, SHRINK
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State

FLAT = 1e-3  # largest entry of the gradient at which a descent ends
SHORTEST = 1e-4  # share of a step at which it ends, too: what is lower is lost in rounding


@dataclass(frozen=True)
class Descents:
    """Where the descents of all instances stand, all in front of (descents, batch).

    Parameters
    ----------
    best : lowest point of an instance so far, (batch, n)
    lowest : its value, (batch,)
    x, g : point and gradient, (..., n)
    value : f(x), infinite where x was not evaluated yet
    H : inverse Hessian, (..., n, n)
    plain : whether it is still the identity
    d, t : direction, (..., n), and share of it that is tried next
    origin, level : what a hop left from, (..., n), and its f
    count : rounds so far, ()
    """

    best: Tensor
    lowest: Tensor
    x: Tensor
    value: Tensor
    g: Tensor
    H: Tensor
    plain: Tensor
    d: Tensor
    t: Tensor
    origin: Tensor
    level: Tensor
    count: Tensor

    def state(self) -> State:
        """Return all as a tuple, the best point first."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @classmethod
    def at(cls, x: Tensor, best: Tensor) -> Self:
        """Return descents that are about to begin at x, (descents, batch, n)."""
        infinite, zero = torch.full_like(x[..., 0], torch.inf), torch.zeros_like(x)
        H, one = torch.eye(x.shape[-1]).to(x).expand(*x.shape, -1), torch.ones_like(infinite)
        known = (x, infinite, zero, H, one.bool(), zero, one, x, infinite)
        return cls(best, infinite[0], *known, torch.zeros((), dtype=torch.int64))


class Restarted(Optimizer):
    """The base of methods that descend to local minima, one after the other.

    A step spends ``evaluations``: so many rounds of a trial by each of the ``descents``. One
    descent begins at the given start, the others at draws from N(0, ``spread``^2). A subclass says
    where the next one begins. The random numbers of round k come from streams named by ``seed`` and
    k, so that the same start gives the same run, and an instance's do not depend on the others.

    Source of a descent: BFGS with backtracking, Nocedal & Wright 2006, algorithm 6.1 and 3.1, the
    first matrix scaled by their eq. 6.20.
    """

    def __init__(self, hyper: Hyperparameters) -> None:
        super().__init__(hyper)
        self.descents = int(self.hyper["descents"])
        self.rounds = max(1, int(self.hyper["evaluations"]) // (2 * self.descents))

    @abstractmethod
    def begin(self, now: Descents) -> tuple[Tensor, Tensor, Tensor]:
        """Return where each descent that ends at ``now`` hops from, f there, and the next start."""

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        starts = self.hyper["spread"] * self.drawn("first", 0, like=x)
        starts[0] = x
        return Descents.at(starts, x).state()

    def step(self, optimizee: Optimizee, state: State) -> State:
        now = Descents(*state)
        for _ in range(self.rounds):
            now = self._tried(optimizee, replace(now, count=now.count + 1))
        return now.state()

    def drawn(self, what: str, count: int, like: Tensor, normal: bool = True) -> Tensor:
        """Return numbers of N(0, 1), or uniform in (0, 1), for each descent and entry of ``like``.

        Their stream is named by ``what`` they are for and the rounds so far, ``count``.
        """
        draws = normal_draws if normal else uniform_draws
        names = (self.name, what, count)
        return draws(self.hyper["seed"], *names, like=like, count=self.descents)

    def _tried(self, optimizee: Optimizee, now: Descents) -> Descents:
        """Try one point of each descent."""
        at = now.x + now.t.unsqueeze(-1) * now.d
        value, g = optimizee.objective(at), optimizee.gradient(at)
        fresh = now.value.isinf()
        rounding = ROUNDING * torch.finfo(value.dtype).eps * (1.0 + now.value.abs())
        demanded = DECREASE * now.t * (now.g * now.d).sum(dim=-1) + rounding
        accepted = value <= torch.where(fresh, torch.inf, now.value + demanded)
        taken = accepted.unsqueeze(-1)
        # Before the first point there is no gradient, and the step to it is zero: H stays.
        s, y = (torch.where(taken, new - old, 0.0) for new, old in ((at, now.x), (g, now.g)))
        H, plain = _bent(now.H, now.plain, s, y)
        g = torch.where(taken, g, now.g)
        d = -(H @ g.unsqueeze(-1)).squeeze(-1)
        d = d * (LONGEST / d.norm(dim=-1, keepdim=True).clamp_min(LONGEST))
        known = {
            "x": torch.where(taken, at, now.x),
            "value": torch.where(accepted, value, now.value),
            "g": g,
            "H": H,
            "plain": plain,
            "d": torch.where(taken, d, now.d),
            "t": torch.where(accepted, 1.0, SHRINK * now.t),
        }
        lowest = torch.cat([now.lowest.unsqueeze(0), known["value"]])
        places = torch.cat([now.best.unsqueeze(0), known["x"]])
        lowest, which = lowest.min(dim=0)
        best = places[which, torch.arange(len(which), device=which.device)]
        kept = {"origin": now.origin, "level": now.level, "count": now.count}
        after = Descents(best=best, lowest=lowest, **known, **kept)
        return self._ended(after)

    def _ended(self, now: Descents) -> Descents:
        """Begin anew what is at a minimum, or nowhere."""
        over = (now.g.abs().amax(dim=-1) <= FLAT) | (now.t < SHORTEST)
        if not over.any():
            return now
        origin, level, x = self.begin(now)
        anew = replace(Descents.at(x, now.best), origin=origin, level=level)
        parts = {}
        for name in ("x", "value", "g", "plain", "d", "t", "origin", "level"):
            new, old = getattr(anew, name), getattr(now, name)
            parts[name] = torch.where(over if old.ndim == 2 else over.unsqueeze(-1), new, old)
        H = now.H.clone()
        H[over] = anew.H[over]  # a copy of few; most go on
        return replace(now, H=H, **parts)


def _bent(H: Tensor, plain: Tensor, s: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the inverse Hessian after steps s with changes of gradient y, and what is plain yet.

    H+ = (I - s y^T / y^T s) H (I - y s^T / y^T s) + s s^T / y^T s = H + s w^T + w s^T where y^T s
    is positive, else H, with w = (1 + y^T H y / y^T s) s / 2 y^T s - H y / y^T s.
    """
    curvature, square = (s * y).sum(dim=-1), y.square().sum(dim=-1)
    sound = curvature > 1e-10 * s.norm(dim=-1) * square.sqrt()
    first = plain & sound
    if first.any():
        H = H.clone()
        identity = torch.eye(H.shape[-1], dtype=H.dtype, device=H.device)
        H[first] = (curvature / square)[first][:, None, None] * identity
    rho = torch.where(sound, 1.0 / curvature.where(sound, 1.0), 0.0).unsqueeze(-1)
    Hy = (H @ y.unsqueeze(-1)).squeeze(-1)
    w = 0.5 * rho * (1.0 + rho * (y * Hy).sum(dim=-1, keepdim=True)) * s - rho * Hy
    left, right = torch.stack([s, w], dim=-1), torch.stack([w, s], dim=-2)
    bent = torch.baddbmm(H.flatten(0, 1), left.flatten(0, 1), right.flatten(0, 1))
    return bent.view_as(H), plain & ~sound
