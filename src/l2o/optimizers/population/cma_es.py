"""CMA-ES with restarts of growing populations: the classical opponent of learned swarms.

A file of our own: the library ``cma`` advances one run at a time; the tests hold this one against
it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cache

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.draws import normal_draws
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State

FLAT = 1e-4  # range of f in a generation at which a run begins anew
NARROW, WIDE = 1e-7, 1e7  # largest standard deviation at which it does, too


@dataclass(frozen=True)
class Evolution:
    """Where all runs stand.

    Parameters
    ----------
    best, lowest : lowest point so far, (batch, n), and its value, (batch,)
    mean, sigma : of the distribution, (batch, n) and (batch,)
    C, root, inverse : covariance, its root and the inverse of that, (batch, n, n)
    pc, ps : paths of C and of sigma, (batch, n)
    y, values : steps of the generation under way, (batch, most, n), and their f, (batch, most),
        infinite where they are not drawn yet
    drawn : how many there are, (batch,) int64
    doubled : how often the population was, (batch,) int64
    generation : since the last restart, (batch,) int64
    count : steps so far, ()
    """

    best: Tensor
    lowest: Tensor
    mean: Tensor
    sigma: Tensor
    C: Tensor
    root: Tensor
    inverse: Tensor
    pc: Tensor
    ps: Tensor
    y: Tensor
    values: Tensor
    drawn: Tensor
    doubled: Tensor
    generation: Tensor
    count: Tensor

    def state(self) -> State:
        """Return all as a tuple, the best point first."""
        return tuple(getattr(self, field.name) for field in fields(self))


class CmaEs(Optimizer):
    """A normal distribution whose mean, covariance and step size follow the better half of draws.

    A step draws ``evaluations`` points, a function value each and no gradient; a generation takes
    as many steps as give ``population``, so that a step costs the same whatever the population. A
    run whose generation is flat begins anew with twice the population, up to ``doublings`` times.
    It first begins at the given start, then at draws from N(0, ``spread``^2), with the standard
    deviation ``sigma``. The random numbers of step k come from a stream named by ``seed`` and k, so
    that the same start gives the same run. The state is that of :class:`Evolution`, the best point
    first.
    """

    name = "cma_es"
    label = "CMA-ES"
    reference = "Hansen 2016 (arXiv:1604.00772); restarts: Auger & Hansen 2005 (IPOP)"
    hyperparameters = {
        "evaluations": 8,
        "population": 8,
        "doublings": 4,
        "sigma": 1.0,
        "spread": 1.0,
        "seed": 0,
    }
    ranges = {
        "evaluations": "integers [1, 10000]",
        "population": "integers [4, 10000]",
        "doublings": "integers [0, 10]",
        "sigma": "(0, inf)",
        "spread": "[0, inf)",
        "seed": "integers [0, 1e15]",
    }

    def __init__(self, hyper: Hyperparameters) -> None:
        super().__init__(hyper)
        self.evaluations, self.doublings = (
            int(self.hyper["evaluations"]),
            int(self.hyper["doublings"]),
        )
        steps = math.ceil(self.hyper["population"] / self.evaluations)
        self.population = steps * self.evaluations
        self.most = self.population * 2**self.doublings

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        batch, n = x.shape
        number = torch.zeros(batch, dtype=torch.int64, device=x.device)
        one, zero = torch.ones_like(x[:, 0]), torch.zeros_like(x)
        C = torch.eye(n).to(x).repeat(batch, 1, 1)
        y, values = x.new_zeros(batch, self.most, n), x.new_full((batch, self.most), torch.inf)
        given = (self.hyper["sigma"] * one, C, C, C, zero, zero, y, values, number, number, number)
        return Evolution(x, torch.inf * one, x, *given, torch.zeros((), dtype=torch.int64)).state()

    def step(self, optimizee: Optimizee, state: State) -> State:
        now, batch = Evolution(*state), torch.arange(len(state[0]), device=state[0].device)
        count = now.count + 1
        y = self.drawn("points", int(count), now.mean, self.evaluations) @ now.root.mT
        points = (now.mean.unsqueeze(1) + now.sigma[:, None, None] * y).transpose(0, 1)
        values = optimizee.objective(points).nan_to_num(nan=torch.inf)
        reached, which = values.min(dim=0)
        better = reached < now.lowest
        best = torch.where(better.unsqueeze(-1), points[which, batch], now.best)
        place = now.drawn.unsqueeze(-1) + torch.arange(self.evaluations, device=y.device)
        steps, all_values = now.y.clone(), now.values.clone()
        steps[batch.unsqueeze(-1), place] = y
        all_values[batch.unsqueeze(-1), place] = values.T
        lowest, drawn = torch.where(better, reached, now.lowest), now.drawn + self.evaluations
        known = {"best": best, "lowest": lowest, "y": steps, "values": all_values}
        now = replace(now, **known, drawn=drawn, count=count)
        full = (drawn == self.population * 2**now.doubled).nonzero()[:, 0]
        return self._followed(now, full).state() if len(full) else now.state()

    def drawn(self, what: str, step: int, like: Tensor, count: int) -> Tensor:
        """Return draws from N(0, 1), (batch, count, n), from a stream of their own."""
        seed, names = self.hyper["seed"], ("cma_es", what, step)
        return normal_draws(seed, *names, like=like, count=count).transpose(0, 1)

    def _followed(self, now: Evolution, full: Tensor) -> Evolution:
        """Return the runs after what their generations, where ``full``, have shown."""
        own = Evolution(*(part[full] if part.ndim else part for part in now.state()))
        spread = own.values.where(own.values.isfinite(), own.lowest.unsqueeze(-1)).amax(dim=1)
        flat = spread - own.values.amin(dim=1) <= FLAT
        new = updated(own, self.population)
        wide = new.sigma * new.root.square().sum(dim=-1).amax(dim=-1).sqrt()
        sound = torch.isfinite(wide) & (wide > NARROW) & (wide < WIDE)
        over = flat | ~sound
        begun = self.hyper["spread"] * self.drawn("start", int(now.count), now.mean, 1)[full, 0]
        anew = Evolution(*self.init(None, begun))
        anew = replace(anew, doubled=(own.doubled + 1).clamp_max(self.doublings))
        parts = {}
        for name in ("mean", "sigma", "C", "root", "inverse", "pc", "ps", "doubled", "generation"):
            first, second = getattr(anew, name), getattr(new, name)
            chosen = torch.where(over[(..., *[None] * (first.ndim - 1))], first, second)
            parts[name] = getattr(now, name).index_copy(0, full, chosen)
        parts["values"] = now.values.index_fill(0, full, torch.inf)
        return replace(now, drawn=now.drawn.index_fill(0, full, 0), **parts)


def updated(now: Evolution, population: int) -> Evolution:
    """Return the distributions after a full generation.

    Source: Hansen 2016, fig. 6 and table 1, with the weights of the worse half below 0 (active).

    Parameters
    ----------
    population : points of a generation of runs that never doubled it
    """
    n, most = now.mean.shape[1], now.values.shape[1]
    rules = [_rules(n, population * 2**k, most) for k in range(int(now.doubled.max()) + 1)]
    weights = torch.stack([weight for weight, _ in rules]).to(now.mean)[now.doubled]
    table = torch.tensor([rule for _, rule in rules]).to(now.mean)[now.doubled]
    mass, cs, ds, cc, c1, cm = table.unsqueeze(-1).unbind(dim=1)
    order = now.values.argsort(dim=1, stable=True)
    y = now.y.gather(1, order.unsqueeze(-1).expand_as(now.y))
    moved = (weights.clamp_min(0.0).unsqueeze(-1) * y).sum(dim=1)
    white = (now.inverse @ moved.unsqueeze(-1)).squeeze(-1)
    ps = (1 - cs) * now.ps + (cs * (2 - cs) * mass).sqrt() * white
    length = ps.norm(dim=-1, keepdim=True)
    usual = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    faded = (1 - (1 - cs) ** (2 * (now.generation.unsqueeze(-1) + 1))).sqrt()
    heeded = (length < (1.4 + 2 / (n + 1)) * usual * faded).to(ps)
    pc = (1 - cc) * now.pc + heeded * (cc * (2 - cc) * mass).sqrt() * moved
    # The worse half counts by its length in the distribution, which keeps C positive.
    far = (now.inverse @ y.mT).square().sum(dim=1)
    scaled = torch.where(weights < 0, weights * n / far.clamp_min(1e-300), weights)
    fallen = (1 - heeded) * cc * (2 - cc)
    kept = 1 + c1 * fallen - c1 - cm * weights.sum(dim=1, keepdim=True)
    rank_one = pc.unsqueeze(-1) * pc.unsqueeze(-2)
    rank_many = (scaled.unsqueeze(-1) * y).mT @ y
    C = kept.unsqueeze(-1) * now.C + c1.unsqueeze(-1) * rank_one + cm.unsqueeze(-1) * rank_many
    C = C.where(C.isfinite().all(-1, True).all(-2, True), torch.eye(n).to(C))
    sigma = now.sigma * (cs / ds * (length / usual - 1)).squeeze(-1).clamp_max(1.0).exp()
    squares, axes = torch.linalg.eigh((C + C.mT) / 2)
    roots = squares.clamp_min(1e-30).sqrt().unsqueeze(-2)
    mean = now.mean + now.sigma.unsqueeze(-1) * moved
    both = {"root": (axes * roots) @ axes.mT, "inverse": (axes / roots) @ axes.mT}
    after = {"mean": mean, "sigma": sigma, "C": C, "pc": pc, "ps": ps, **both}
    return replace(now, generation=now.generation + 1, **after)


@cache
def _rules(n: int, count: int, most: int) -> tuple[Tensor, tuple[float, ...]]:
    """Return the weights of a generation of ``count``, with zeros up to ``most``, and constants.

    The constants are mu_eff, c_sigma, d_sigma, c_c, c_1 and c_mu of Hansen 2016, table 1.
    """
    raw = math.log((count + 1) / 2) - torch.arange(1, count + 1, dtype=torch.float64).log()
    good, bad = raw.clamp_min(0.0), raw.clamp_max(0.0)
    mass, worse = (float(part.sum() ** 2 / part.square().sum()) for part in (good, bad))
    cs = (mass + 2) / (n + mass + 5)
    ds = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (n + 1)) - 1) + cs
    cc = (4 + mass / n) / (n + 4 + 2 * mass / n)
    c1 = 2 / ((n + 1.3) ** 2 + mass)
    cm = min(1 - c1, 2 * (0.25 + mass + 1 / mass - 2) / ((n + 2) ** 2 + mass))
    most_bad = min(1 + c1 / cm, 1 + 2 * worse / (mass + 2), (1 - c1 - cm) / (n * cm))
    weights = torch.zeros(most, dtype=torch.float64)
    weights[:count] = good / good.sum() - most_bad * bad / bad.sum()
    return weights, (mass, cs, ds, cc, c1, cm)
