"""Evaluation on LASSO: the relative loss (paper, eq. 19) at chosen iterations, and its spread."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.runs import (
    Contestant,
    Entry,
    failures,
    learned_entries,
    learned_values,
    quartiles,
    status_of,
    tail,
)
from l2o.optimizees.lasso import Lasso
from l2o.optimizers.continued import Continued
from l2o.optimizers.protocol import Optimizer, iterates
from l2o.optimizers.recurrent.blocks import in_blocks
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net
from l2o.variants import AS_DRAWN, MAIN, PUBLISHED


def entries(
    who: Mapping[str, Any],
    lasso: Lasso,
    checkpoint: Path | None,
    published_recipe: Path | None = None,
) -> list[Entry]:
    """Return a method ready to run: in the paper's settings, then its other variants.

    Parameters
    ----------
    who : ``method``, ``kind``, ``hyperparameters``; for a trained net ``continued_with``, the
        classical method that follows its layers; perhaps ``drawn``, hyperparameters that reproduce
        the published curve, and ``shift``, the iterations by which that lags
    lasso : the instances, float64
    checkpoint, published_recipe : of a trained method, by our recipe and the published one

    Raises
    ------
    InputError : see :mod:`l2o.optimizers.trained`.
    """
    name, kind, A, lam = who["method"], who["kind"], lasso.A, lasso.lam
    if kind == "unrolled":
        net = load_net(checkpoint, A.numpy()).double().requires_grad_(False)
        net.A = A  # the net was trained on A rounded to float32
        after = methods("classical")[who["continued_with"]].load()(A, {"lam": lam})
        told = Contestant(name, kind, net.label, layers=net.depth, learned=learned_values(net))
        return [Entry(told, Continued(net, after))]
    if kind == "recurrent":
        trained = {MAIN: checkpoint, PUBLISHED: published_recipe}
        found = learned_entries(name, "recurrent", trained)
        return [replace(entry, optimizer=in_blocks(entry.optimizer)) for entry in found]
    head, found = methods(kind)[name], []
    for variant, hyper, shift in (
        (MAIN, who["hyperparameters"], 0),
        (AS_DRAWN, who.get("drawn"), who.get("shift", 0)),
    ):
        if hyper is not None:
            made = head.load()
            optimizer = made(hyper) if kind == "first_order" else made(A, {**hyper, "lam": lam})
            told = Contestant(name, kind, head.label, variant, 0, shift)
            found.append(Entry(told, optimizer))
    return found


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
    ``start_high`` are its extremes over the starts; ``q25``, ``median`` and ``q75`` the quartiles
    of (f - f*) / f* over all pairs of a start and an instance. A method has ``diverged`` where its
    last value is not finite or above its first.

    Parameters
    ----------
    excess : f - f*, (recorded, starts, instances)
    optimum : f*, (instances,)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        by_start = excess.mean(axis=2) / optimum.mean()
        mean, spread = by_start.mean(axis=1), quartiles(excess / optimum, ("q25", "median", "q75"))
    status = status_of(mean[0], mean[-1])
    return [
        {
            **method.about(),
            "iteration": k,
            "relative_loss": mean[i],
            "start_low": by_start[i].min(),
            "start_high": by_start[i].max(),
            **spread[i],
            "layers": method.layers,
            "shift": method.shift,
            "status": status,
        }
        for i, k in enumerate(recorded)
    ]


def final_row(method: Contestant, excess: np.ndarray, optimum: np.ndarray) -> dict[str, Any]:
    """Return what the ends of all pairs of a start and an instance are worth.

    Parameters as for :func:`curve_rows`.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        relative = excess / optimum
        mean = float((excess[-1].mean(axis=1) / optimum.mean()).mean())
    (spread,) = quartiles(relative[-1:], ("q25", "median", "q75"))
    row = method.about() | failures(relative) | {"learned": method.learned, "relative_loss": mean}
    return row | spread | tail(relative[-1], "relative_loss_p99")


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
