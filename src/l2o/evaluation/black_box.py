"""Evaluation on black-box functions: regrets after each query, minima, seconds of a query."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from l2o.evaluation.runs import Contestant, learned_values
from l2o.optimizees.black_box import Asked, Draws, Known
from l2o.optimizers.protocol import Optimizer
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import read_checkpoint

LEARNED = "learned_black_box"
SLICE = 128  # points whose values are taken at once: of a draw each has thousands of cosines
ROUNDS = 3  # runs that are timed


@dataclass(frozen=True)
class Searches:
    """What the runs of a method asked for.

    Parameters
    ----------
    points, values : of all queries, (queries, batch, d) and (queries, batch) float64
    seconds : since the start when each query was answered, (queries,); those of a step with
        several queries are even
    """

    points: np.ndarray
    values: np.ndarray
    seconds: np.ndarray

    def regrets(self, minima: np.ndarray) -> np.ndarray:
        """Return simple regrets, (queries, batch): the lowest value so far less the minimum.

        What is below a minimum, found by a search or by rounding, has no regret.
        """
        return np.maximum(np.minimum.accumulate(self.values, axis=0) - minima, 0.0)


@torch.no_grad()
def searched(optimizer: Optimizer, f: Draws | Known, queries: int) -> Searches:
    """Run a method on every function from its first query, all as one batch.

    Values are all it gets: see :class:`l2o.optimizees.black_box.Asked`.
    """
    asked, marks, began = Asked(f), [(0, 0.0)], time.perf_counter()
    state = optimizer.init(asked, f.first)
    while True:
        marks.append((len(asked.values), time.perf_counter() - began))
        if len(asked.values) >= queries:
            break
        state = optimizer.step(asked, state)
    points, values = (torch.stack(of[:queries]).numpy() for of in (asked.points, asked.values))
    return Searches(points, values, np.interp(np.arange(1, queries + 1), *zip(*marks, strict=True)))


def contestant(who: Mapping[str, Any], checkpoint: Path | None) -> tuple[Contestant, Optimizer]:
    """Return a method ready to run in float64, and what tables say of it.

    Parameters
    ----------
    who : ``method``, ``kind``, ``hyperparameters``
    checkpoint : of a trained one

    Raises
    ------
    InputError : see :func:`l2o.optimizers.trained.read_checkpoint`.
    """
    name, kind = who["method"], who["kind"]
    head, learned = methods(kind)[name], 0
    if kind == LEARNED:
        optimizer = read_checkpoint(checkpoint, kind).optimizer().double().requires_grad_(False)
        learned = learned_values(optimizer)
    else:
        optimizer = head.load()(who["hyperparameters"])
    return Contestant(name, kind, head.label, learned=learned), optimizer


def query_seconds(optimizer: Optimizer, f: Draws | Known, queries: int) -> np.ndarray:
    """Return the seconds since the start of one run, the first, at each query, (queries,).

    It runs :data:`ROUNDS` times, and the fastest turn of each query counts, lest a busy moment be
    a method's.
    """
    one = f.batch(torch.tensor([0]))
    each = [np.diff(searched(optimizer, one, queries).seconds, prepend=0.0) for _ in range(ROUNDS)]
    return np.min(each, axis=0).cumsum()


def minima(f: Draws | Known, points: int, starts: int) -> dict[str, Tensor]:
    """Return the lowest values of functions in the box, (batch,), and where they come from.

    ``searched`` is what a dense search finds: ``points`` of a Sobol sequence, from the lowest
    ``starts`` of which L-BFGS-B descends, with gradients; ``known`` the value at a minimiser from
    the literature, from which it descends as well (NaN: none is known); ``minimum`` the lower one.
    """
    grid = SobolEngine(f.first.shape[-1]).draw(points).double()
    values = grid.new_empty(points, len(f))  # in one piece: kept parts would split up the heap
    for part, at in zip(grid.split(SLICE), values.split(SLICE), strict=True):
        at.copy_(f.objective(part.unsqueeze(1).expand(-1, len(f), -1)))
    order = values.argsort(dim=0, stable=True)[:starts]
    found = [min(_descended(f, i, grid[at]) for at in column) for i, column in enumerate(order.T)]
    searched_for = torch.tensor(found, dtype=torch.float64)
    best = torch.full_like(searched_for, torch.nan)
    if isinstance(f, Known):
        best = torch.full_like(best, _descended(f, 0, f.minimiser()))
    lowest = torch.fmin(searched_for, best)
    return {"minimum": lowest, "searched": searched_for, "known": best}


def _descended(f: Draws | Known, instance: int, start: Tensor) -> float:
    """Return the value at the local minimum of one function that a descent from a start finds."""
    from scipy.optimize import minimize

    one = f.batch(torch.tensor([instance]))

    def both(x: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(x).unsqueeze(0)
        return float(one.objective(at)), one.gradient(at)[0].numpy()

    tight = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 500}
    box = [(0.0, 1.0)] * len(start)
    ended = minimize(both, start.numpy(), jac=True, method="L-BFGS-B", bounds=box, options=tight)
    return min(float(ended.fun), both(start.numpy())[0])
