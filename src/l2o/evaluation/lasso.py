"""Evaluation on LASSO: the relative loss (paper, eq. 19) at chosen iterations, and its spread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.runs import Contestant
from l2o.optimizees.lasso import Lasso
from l2o.optimizers.protocol import Optimizer, iterates


@torch.no_grad()
def excess_at(
    optimizer: Optimizer, lasso: Lasso, starts: Tensor, recorded: Sequence[int], dtype: torch.dtype
) -> np.ndarray:
    """Run from each start; return f(x_k) - f* in float64, (recorded, starts, instances).

    Parameters
    ----------
    lasso : the instances, float64
    starts : (starts, instances, n), float64
    recorded : iterations k, ascending, 0 the start
    dtype : precision of the run; float32 for what was trained in it
    """
    low = lasso.to(dtype)
    found = np.empty((len(recorded), *starts.shape[:2]))
    for s, start in enumerate(starts):
        place = {k: i for i, k in enumerate(recorded)}
        if 0 in place:
            found[place[0], s] = lasso.excess(start).numpy()
        steps = islice(iterates(optimizer, low, start.to(dtype)), recorded[-1])
        for k, x in enumerate(steps, start=1):
            if k in place:
                found[place[k], s] = lasso.excess(x.double()).numpy()
    return found


def curve_rows(
    method: Contestant, recorded: Sequence[int], excess: np.ndarray, optimum: np.ndarray
) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each recorded iteration.

    ``relative_loss`` is eq. (19) over all instances, averaged over the starts; ``start_low`` and
    ``start_high`` are its extremes over the starts; ``q25`` and ``q75`` the quartiles of
    (f - f*) / f* over all pairs of a start and an instance. A method has ``diverged`` where its
    last value is not finite or above its first.

    Parameters
    ----------
    excess : f - f*, (recorded, starts, instances)
    optimum : f*, (instances,)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        by_start = excess.mean(axis=2) / optimum.mean()
        mean, relative = by_start.mean(axis=1), (excess / optimum).reshape(len(excess), -1)
        quartiles = np.quantile(relative, [0.25, 0.75], axis=1)
    sound = np.isfinite(mean[-1]) and mean[-1] <= mean[0]
    return [
        {
            "method": method.name,
            "variant": method.variant,
            "kind": method.kind,
            "label": method.label,
            "iteration": k,
            "relative_loss": mean[i],
            "start_low": by_start[i].min(),
            "start_high": by_start[i].max(),
            "q25": quartiles[0, i],
            "q75": quartiles[1, i],
            "layers": method.layers,
            "shift": method.shift,
            "status": "converged" if sound else "diverged",
        }
        for i, k in enumerate(recorded)
    ]


@torch.no_grad()
def seconds_rows(
    method: Contestant, optimizer: Optimizer, lasso: Lasso, start: Tensor, recorded: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the seconds since the start at each recorded iteration, for all instances at once.

    The objective is not computed. ``lasso`` and ``start``, (instances, n), have the precision of
    the run.
    """
    place, rows = set(recorded), []
    began = time.perf_counter()
    for k, _ in enumerate(islice(iterates(optimizer, lasso, start), recorded[-1]), start=1):
        if k in place:
            passed = time.perf_counter() - began
            rows.append({"method": method.name, "iteration": k, "seconds": passed})
    return [{**row, "batch": len(start)} for row in rows]


@torch.no_grad()
def published_optimum_errors(lasso: Lasso, fista: Optimizer, iterations: int) -> dict[str, float]:
    """Return how far the paper's optimum, that of many FISTA iterations, is from the certified one.

    ``relative_loss`` is eq. (19) with the certified optimum; ``largest_relative`` the worst
    instance's (f - f*) / f*; ``share_above_1e-6`` the part of the instances beyond that.
    """
    start = torch.zeros(1, len(lasso.b), lasso.A.shape[1], dtype=lasso.b.dtype)
    excess = excess_at(fista, lasso, start, [iterations], lasso.b.dtype)[0, 0]
    relative = excess / lasso.optimum.numpy()
    return {
        "relative_loss": excess.mean() / float(lasso.optimum.mean()),
        "largest_relative": relative.max(),
        "share_above_1e-6": (relative > 1e-6).mean(),
    }
