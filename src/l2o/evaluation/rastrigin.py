"""Evaluation on the Rastrigin family: the objective at chosen iterations, its gap, its cost."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.runs import Contestant
from l2o.optimizees.counted import Counted
from l2o.optimizees.rastrigin import Rastrigin
from l2o.optimizees.repeated import Repeated
from l2o.optimizers.protocol import Optimizer
from l2o.storage.rastrigin_sets import read_rastrigin_split

MEAN_COSINE_LOSS = 1.0 - math.sqrt(2.0 / math.pi)  # 1 - E|c|, c from N(0, 1)


@dataclass(frozen=True)
class Runs:
    """All runs of a method.

    Parameters
    ----------
    values : f at the recorded iterations, float64, (recorded, starts, instances)
    evaluations : function values and gradients asked for until then, mean over runs, (recorded,)
    seconds : of the whole, with the recording
    """

    values: np.ndarray
    evaluations: np.ndarray
    seconds: float


def load_rastrigin(path: Path, split: str, alpha: float) -> Rastrigin:
    """Return the instances of a split of a stored set, in float64.

    Raises
    ------
    InputError : see :func:`l2o.storage.rastrigin_sets.read_rastrigin_split`.
    """
    arrays = read_rastrigin_split(path, split)
    return Rastrigin(*(torch.from_numpy(array) for array in arrays), alpha)


@torch.no_grad()
def followed(
    optimizer: Optimizer, f: Rastrigin, starts: Tensor, recorded: Sequence[int], dtype: torch.dtype
) -> Runs:
    """Run a method on every instance from every start, all as one batch.

    Parameters
    ----------
    f : the instances, float64
    starts : (starts, instances, n), float64
    recorded : iterations k, ascending, 0 the start
    dtype : precision of the run; f is recorded in float64
    """
    began, count = time.perf_counter(), len(starts)
    values, evaluations = np.empty((len(recorded), *starts.shape[:2])), np.zeros(len(recorded))
    place = {k: i for i, k in enumerate(recorded)}
    counted = Counted(Repeated(f.to(dtype), count))
    state = optimizer.init(counted, starts.transpose(0, 1).flatten(0, 1).to(dtype))
    for k in itertools.count():
        if k in place:
            x = state[0].double().unflatten(0, (-1, count)).transpose(0, 1)
            values[place[k]] = f.objective(x).numpy()
            evaluations[place[k]] = counted.evaluations().double().mean()
        if k == recorded[-1]:
            return Runs(values, evaluations, time.perf_counter() - began)
        state = optimizer.step(counted, state)


def curve_rows(
    method: Contestant, recorded: Sequence[int], runs: Runs, oracle: np.ndarray
) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each recorded iteration.

    ``loss`` is f averaged over instances and starts; ``loss_low`` and ``loss_high`` are the
    extremes over the starts of its mean over instances; ``gap`` is the loss less the mean of the
    oracle; ``gap_q25`` and ``gap_q75`` are the quartiles of f - oracle over all runs. A method has
    ``diverged`` where its last loss is not finite or above its first.

    Parameters
    ----------
    oracle : lowest known f of each instance, (instances,)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        by_start = runs.values.mean(axis=2)
        loss, gaps = by_start.mean(axis=1), (runs.values - oracle).reshape(len(recorded), -1)
        quartiles = np.quantile(gaps, [0.25, 0.75], axis=1)
    sound = np.isfinite(loss[-1]) and loss[-1] <= loss[0]
    return [
        {
            "method": method.name,
            "variant": method.variant,
            "kind": method.kind,
            "label": method.label,
            "iteration": k,
            "loss": loss[i],
            "loss_low": by_start[i].min(),
            "loss_high": by_start[i].max(),
            "gap": loss[i] - oracle.mean(),
            "gap_q25": quartiles[0, i],
            "gap_q75": quartiles[1, i],
            "evaluations": runs.evaluations[i],
            "shift": method.shift,
            "status": "converged" if sound else "diverged",
        }
        for i, k in enumerate(recorded)
    ]


def oracle_summary(
    oracle: Mapping[str, np.ndarray], n: int, alpha: float, starts: int, published_instances: int
) -> dict[str, float]:
    """Return what the oracle says of a test set, and of the instances behind published curves.

    The optimum of other instances of the family is known in expectation: that of the lower bound
    is alpha n (1 - sqrt(2 / pi)) exactly, since E|c| = sqrt(2 / pi), and to it comes the mean of
    oracle - lower bound, which varies far less than the oracle itself. ``oracle_error`` is the
    standard deviation of the mean oracle of as many instances as were published.

    Parameters
    ----------
    oracle : columns ``oracle``, ``lower_bound``, ``agreeing``, ``settled`` and ``grid`` (NaN where
        there is no grid), (instances,)
    n, alpha : of the family
    starts : runs of each instance
    published_instances : number of instances behind a published curve
    """
    best, bound = oracle["oracle"], oracle["lower_bound"]
    expected_bound = alpha * n * MEAN_COSINE_LOSS
    searched = np.isfinite(oracle["grid"])
    above = best[searched] - oracle["grid"][searched]
    return {
        "instances": len(best),
        "starts": starts,
        "oracle": best.mean(),
        "lower_bound": bound.mean(),
        "expected_lower_bound": expected_bound,
        "expected_oracle": expected_bound + (best - bound).mean(),
        "oracle_error": best.std(ddof=1) / math.sqrt(published_instances),
        "agreeing": oracle["agreeing"].mean(),
        "settled": oracle["settled"].mean(),
        "grid_checked": int(searched.sum()),
        "grid_equal": int((np.abs(above) <= 1e-6).sum()),
        "grid_largest_excess": above.max() if len(above) else math.nan,
    }
