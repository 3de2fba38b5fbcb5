"""Evaluation on a family of differentiable problems: the objective and its cost, by iteration."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.clock import fastest
from l2o.evaluation.runs import (
    Contestant,
    Entry,
    failures,
    learned_entries,
    quartiles,
    status_of,
    tail,
)
from l2o.optimizees.counted import Counted
from l2o.optimizees.protocol import Optimizee
from l2o.optimizees.repeated import Repeated
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.registry import methods
from l2o.variants import AS_DRAWN, MAIN, PUBLISHED

STEPS = 50  # of a run that is timed
TRAINED = ("recurrent", "learned_minimax", "policies")


@dataclass(frozen=True)
class Runs:
    """All runs of a method.

    Parameters
    ----------
    values : f at the recorded iterations, float64, (recorded, starts, instances)
    evaluations : function values and gradients asked for until then, shaped as the values
    seconds : of the whole, with the recording
    last : the optimizer's state at the end; instances have their starts one after the other
    """

    values: np.ndarray
    evaluations: np.ndarray
    seconds: float
    last: State = ()


@torch.no_grad()
def followed(
    optimizer: Optimizer, f: Optimizee, starts: Tensor, recorded: Sequence[int], dtype: torch.dtype
) -> Runs:
    """Run a method on every instance from every start, all as one batch.

    Parameters
    ----------
    f : the instances, float64; ``f.to(dtype)`` gives them in another precision
    starts : (starts, instances, n), float64
    recorded : iterations k, ascending, 0 the start
    dtype : precision of the run; f is recorded in float64
    """
    began, count = time.perf_counter(), len(starts)
    values = np.empty((len(recorded), *starts.shape[:2]))
    evaluations = np.zeros_like(values)
    place = {k: i for i, k in enumerate(recorded)}
    counted = Counted(Repeated(f.to(dtype), count))
    state = optimizer.init(counted, starts.transpose(0, 1).flatten(0, 1).to(dtype))
    for k in itertools.count():
        if k in place:
            x = state[0].double().unflatten(0, (-1, count)).transpose(0, 1)
            values[place[k]] = f.objective(x).numpy()
            asked = counted.evaluations().double()
            evaluations[place[k]] = asked.expand(values[0].size).reshape(-1, count).T.numpy()
        if k == recorded[-1]:
            return Runs(values, evaluations, time.perf_counter() - began, state)
        state = optimizer.step(counted, state)


def entries(
    who: Mapping[str, Any],
    hyper: Mapping[str, float],
    checkpoint: Path | None,
    published_recipe: Path | None = None,
) -> list[Entry]:
    """Return a method ready to run: as it was tuned or trained, then its other variants.

    Parameters
    ----------
    who : ``method``, ``kind``, ``published_shift`` (the published iteration k is ours less that),
        and perhaps ``drawn``, hyperparameters that reproduce the published curve
    hyper : of the main variant
    checkpoint, published_recipe : of a trained method, by our recipe and the published one
    """
    name, kind, shift = who["method"], who["kind"], who["published_shift"]
    if kind in TRAINED:
        trained = {MAIN: checkpoint, PUBLISHED: published_recipe}
        return learned_entries(name, kind, trained, shift)
    head, drawn = methods(kind)[name], who.get("drawn")
    given = {MAIN: hyper, **({} if drawn is None else {AS_DRAWN: drawn})}
    return [
        Entry(Contestant(name, kind, head.label, variant, shift=shift), head.load()(values))
        for variant, values in given.items()
    ]


def curve_rows(method: Contestant, recorded: Sequence[int], runs: Runs) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each recorded iteration.

    ``loss`` is f averaged over instances and starts, ``loss_low`` and ``loss_high`` are the
    extremes over the starts of its mean over instances, and the quartiles those over all runs. A
    method has ``diverged`` where its last loss is not finite or not below its first.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        by_start = runs.values.mean(axis=2)
        loss = by_start.mean(axis=1)
    spread = quartiles(runs.values, ("loss_q25", "loss_median", "loss_q75"))
    status = status_of(loss[0], loss[-1])
    return [
        {
            **method.about(),
            "iteration": k,
            "loss": loss[i],
            "loss_low": by_start[i].min(),
            "loss_high": by_start[i].max(),
            **spread[i],
            "evaluations": runs.evaluations[i].mean(),
            "shift": method.shift,
            "status": status,
        }
        for i, k in enumerate(recorded)
    ]


def seconds_rows(
    found: Sequence[Entry], f: Optimizee, start: Tensor, recorded: Mapping[str, Sequence[int]]
) -> list[dict[str, Any]]:
    """Return the seconds since the start at each recorded iteration, for all instances at once.

    Each method makes a short run, see :func:`l2o.evaluation.clock.fastest`; iterations beyond are
    taken to cost as much. f is not recorded.

    Parameters
    ----------
    found : all methods
    f : the instances, float64
    start : (instances, n), float64
    recorded : iterations, by method
    """

    def short_run(entry: Entry) -> Callable[[], None]:
        low, x = f.to(entry.dtype), start.to(entry.dtype)

        def run() -> None:
            state = entry.optimizer.init(low, x)
            for _ in range(STEPS):
                state = entry.optimizer.step(low, state)

        return run

    each = dict.fromkeys(recorded, math.inf)
    for entry, taken in zip(found, fastest([short_run(entry) for entry in found]), strict=True):
        name = entry.contestant.name  # which variants share
        each[name] = min(each[name], taken.seconds / STEPS)
    return [
        {"method": name, "iteration": k, "seconds": k * each[name], "batch": len(start)}
        for name, places in recorded.items()
        for k in places
        if k > 0
    ]


def final_row(method: Contestant, runs: Runs, lowest: np.ndarray | float = 0.0) -> dict[str, Any]:
    """Return what the ends of all runs are worth; they started once they are nearer to ``lowest``,
    (instances,).
    """
    last = runs.values[-1]
    (spread,) = quartiles(last[None], ("loss_q25", "loss_median", "loss_q75"))
    with np.errstate(invalid="ignore", over="ignore"):
        mean = {"learned": method.learned, "loss": float(last.mean())}
    return method.about() | failures(runs.values - lowest) | mean | spread | tail(last, "loss_p99")
