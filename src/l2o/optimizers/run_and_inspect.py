"""Run-and-Inspect: the oracle of the Rastrigin family (paper, 4.2).

Run: descend to a local minimum. Inspect: look at sampled points within a radius; where one leads
lower, run again from there, else stop. The method is proved to end at a global minimum for the sum
of a smooth strongly convex and a bounded function, given a large enough radius and dense enough
samples (Chen, Sun & Yin 2019). With finitely many samples, and with an A that may be nearly
singular, what comes out here is the best value found: an upper bound of the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.local_descent import local_minimum
from l2o.seeds import named_seed

CHUNK = 16  # samples evaluated at once


@dataclass(frozen=True)
class Inspection:
    """How the surroundings of a local minimum are looked at.

    Parameters
    ----------
    radius : of the ball, in units of x; the cosines of the Rastrigin family have period 1
    points : samples of each inspection
    candidates : the lowest samples, from which descent is tried
    threshold : decrease of f that counts as lower
    rounds : most inspections of a run
    """

    radius: float = 20.0
    points: int = 4096
    candidates: int = 4
    threshold: float = 1e-6
    rounds: int = 100


@dataclass(frozen=True)
class Minima:
    """The lowest points found.

    Parameters
    ----------
    x : (batch, n)
    objective : f(x), (batch,)
    agreeing : share of an instance's runs that ended at that value, (batch,)
    stopped : whether all of its runs ended by an inspection that found nothing, (batch,)
    """

    x: Tensor
    objective: Tensor
    agreeing: Tensor
    stopped: Tensor


def offsets(count: int, n: int, radius: float, generator: torch.Generator) -> Tensor:
    """Return ``count`` displacements no longer than ``radius``, (count, n) float64.

    A random number k of coordinates, 1 to n, chosen at random, is displaced: in a direction uniform
    on the sphere, by a length uniform in (0, radius). Every other displacement is rounded towards
    zero to integers, whole periods of a function of period 1, which lead from the floor of one
    well to that of another; random points of the plane hardly ever fall on a floor.
    """
    kind = {"generator": generator, "dtype": torch.float64}
    k = torch.randint(1, n + 1, (count, 1), generator=generator)
    chosen = torch.rand(count, n, **kind).argsort(dim=1).argsort(dim=1) < k
    direction = torch.randn(count, n, **kind) * chosen
    length = radius * torch.rand(count, 1, **kind)
    moved = length * direction / direction.norm(dim=1, keepdim=True)
    moved[::2] = moved[::2].trunc()
    return moved


def run_and_inspect(
    optimizee: Optimizee, starts: Tensor, seed: int, inspection: Inspection | None = None
) -> Minima:
    """Return the best of the runs from each instance's starts.

    The samples come from named seeds, one stream for each round, and are the same displacements
    for all runs; so a run does not depend on the others.

    Source: Chen, Sun & Yin 2019, algorithm 1; the sampling, and descent from the lowest samples
    instead of a comparison of the samples themselves, are our choice.

    Parameters
    ----------
    optimizee : f, smooth, with float64 data; takes x of shape (..., batch, n)
    starts : (starts, batch, n), float64
    seed : root of the named random streams
    inspection : how to inspect; by default as the class says
    """
    how = inspection or Inspection()
    x, value = local_minimum(optimizee, starts)
    running = torch.ones_like(value, dtype=torch.bool)
    for number in range(how.rounds):
        generator = torch.Generator().manual_seed(named_seed(seed, "inspect", number))
        moved = offsets(how.points, x.shape[-1], how.radius, generator).to(x.device)
        found, reached = _inspected(optimizee, x, moved, how.candidates)
        running = running & (reached < value - how.threshold)
        x = torch.where(running.unsqueeze(-1), found, x)
        value = torch.where(running, reached, value)
        if not running.any():
            break
    best, at = value.min(dim=0)
    x = x.gather(0, at[None, :, None].expand(1, -1, x.shape[-1]))[0]
    agreeing = (value <= best + how.threshold).to(value.dtype).mean(dim=0)
    return Minima(x, best, agreeing, ~running.any(dim=0))


def _inspected(
    optimizee: Optimizee, x: Tensor, moved: Tensor, candidates: int
) -> tuple[Tensor, Tensor]:
    """Return the lowest minimum that the lowest samples x + moved lead to, and its value."""
    values = [
        optimizee.objective(x + part[:, None, None, :]) for part in moved.split(CHUNK)
    ]  # each (samples, starts, batch)
    lowest = torch.cat(values).topk(candidates, dim=0, largest=False).indices
    found, reached = local_minimum(optimizee, x + moved[lowest])
    reached, at = reached.min(dim=0)
    return found.gather(0, at[None, ..., None].expand(1, *x.shape))[0], reached
