"""How much of the start's error a method leaves, in dB, under a law that it may not know.

One scale for all problems: 0 dB is the error of the start, -20 dB a hundredth of it (NMSE in sparse
recovery; f less its minimum, squared errors and objectives alike). What is left below
:data:`LOWEST_DB` is rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2o.evaluation.lasso import entries
from l2o.evaluation.runs import Contestant, Entry, learned_values, tail
from l2o.evaluation.sparse_recovery import Followed
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.rastrigin import Rastrigin
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.continued import Continued
from l2o.optimizers.lattice_minimum import lattice_minimum
from l2o.optimizers.registry import methods
from l2o.optimizers.safeguarded import Safeguarded
from l2o.optimizers.trained import read_checkpoint
from l2o.variants import MAIN

LOWEST_DB = -160.0
BLOCKS = 8  # of instances, for standard errors
SAFEGUARDED, TOLD = "safeguarded", "told"  # variants beside "main"
Row = dict[str, Any]


def recovery_row(found: Followed, solved: float, variant: str = MAIN) -> Row:
    """Return what a method leaves at its depth; see :func:`left_row`."""
    whole = {"nan": np.inf, "posinf": np.inf}  # no NaN is left, which says "cannot be run"
    errors, pooled = (
        np.nan_to_num(of[found.depth], **whole) for of in (found.errors, found.pooled)
    )
    about = {"variant": variant, "kind": found.kind, "label": found.label}
    return about | {"iteration": found.depth} | left_row(errors[None], float(pooled), solved)


def run_ends(
    who: Contestant, iteration: int, first: np.ndarray, last: np.ndarray, solved: float
) -> Row:
    """Return what a method leaves of all runs; see :func:`left_row`.

    Parameters
    ----------
    first, last : f less its minimum at the start and at the iteration, (starts, instances)
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        each, pooled = decibels(last, first), decibels(last.mean(), first.mean())
    about = {"variant": who.variant, "kind": who.kind, "label": who.label}
    return about | {"iteration": iteration} | left_row(each, float(pooled), solved)


def left_row(each: np.ndarray, pooled: float, solved: float) -> Row:
    """Return the mean of what is left and of its blocks of instances, and other measures, in dB.

    ``left_db`` is a mean over runs, each counted from ``solved`` to 0 dB, the start: a run that is
    solved to many digits offsets none that fails. ``left_1`` and so on are the same of disjoint
    blocks of instances (NaN of those that an instance is missing for), ``mean_db`` is the mean
    without these bounds, ``pooled_db`` what is left of all errors together.

    Parameters
    ----------
    each : what is left of a run's error; infinite for what is not finite, (starts, instances)
    """
    each = np.maximum(each, LOWEST_DB)
    left = np.clip(each, solved, 0.0)
    parts = np.array_split(left.mean(axis=0), BLOCKS)
    blocks = {
        f"left_{i}": part.mean() if len(part) else math.nan for i, part in enumerate(parts, start=1)
    }
    means = {"left_db": left.mean(), "mean_db": each.mean()}
    means |= {"median_db": float(np.median(each)), "pooled_db": max(pooled, LOWEST_DB)}
    counts = {"failed": float((each >= 0).mean()), "runs": each.size}
    return means | tail(each, "p99_db") | counts | blocks


def decibels(last: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return a part of the start's error in dB; infinite for what is not finite."""
    part = 10.0 * np.log10(np.maximum(last, 0.0) / first)
    return np.where(np.isfinite(last), np.maximum(part, LOWEST_DB), np.inf)


def no_row(kind: str, label: str, iteration: int, variant: str = MAIN) -> Row:
    """Return the row of a method that cannot be run on such instances: no numbers."""
    return {"variant": variant, "kind": kind, "label": label, "iteration": iteration}


def with_degradation(rows: Iterable[Row]) -> list[Row]:
    """Return rows with ``degradation_db``: what is left more than under the unshifted law.

    Rows of that law have ``home``; those of equal method, variant and iteration belong together.
    """
    rows = [*rows]
    home = {_whose(row): row.get("left_db", math.nan) for row in rows if row["home"]}
    found = []
    for row in rows:
        own, here = home[_whose(row)], row.get("left_db", math.nan)
        # Both infinite: nothing is lost that was not lost before.
        found.append({**row, "degradation_db": 0.0 if here == own else here - own})
    return found


def _whose(row: Row) -> tuple:
    return row["method"], row["variant"], row["iteration"]


def lasso_entries(
    who: Mapping[str, Any], lasso: Lasso, checkpoint: Path | None, trained_on: np.ndarray
) -> list[Entry]:
    """Return a method ready to run on LASSO; a learned one also with the safeguard.

    Classical methods and the safeguard know A and lam of the instances. A net keeps all that it
    was trained with, A too: what follows its layers knows the instances. None where a net's
    matrices do not fit.

    Parameters
    ----------
    who : as in :func:`l2o.evaluation.lasso.entries`
    lasso : the shifted instances, float64
    trained_on : the dictionary of the training, (m, n)
    """
    if who["kind"] not in ("unrolled", "recurrent"):
        return entries(who, lasso, checkpoint)[:1]
    depth = 0
    if who["kind"] == "unrolled":
        if lasso.A.shape != trained_on.shape:
            return []
        net = read_checkpoint(checkpoint, "unrolled").net(trained_on)
        net = net.double().requires_grad_(False)
        net.A = torch.from_numpy(trained_on)  # its own was rounded to float32
        after = methods("classical")[who["continued_with"]].load()(lasso.A, {"lam": lasso.lam})
        told = Contestant(who["method"], who["kind"], net.label, learned=learned_values(net))
        main, depth = Entry(told, Continued(net, after)), net.depth
    else:
        (main,) = entries(who, lasso, checkpoint)
    step = Ista(lasso.to(main.dtype).A, {"lam": lasso.lam})
    names = (main.contestant.name, main.contestant.kind, main.contestant.label)
    guarded = Contestant(*names, variant=SAFEGUARDED)
    return [main, Entry(guarded, Safeguarded(main.optimizer, step, depth), main.dtype)]


def gap_rows(
    found: Sequence[tuple[Contestant, np.ndarray]],
    first: np.ndarray,
    lowest: np.ndarray,
    recorded: Sequence[int],
    solved: float,
) -> list[tuple[str, Row]]:
    """Return a row for each method and iteration after the start, with whose it is.

    Parameters
    ----------
    found : methods with the values of f, (recorded, starts, instances)
    first : f at the starts, the same for all: a method may begin elsewhere, (starts, instances)
    lowest : minima, (instances,)
    recorded : iterations, 0 first
    """
    return [
        (who.name, run_ends(who, iteration, first - lowest, values[place] - lowest, solved))
        for who, values in found
        for place, iteration in enumerate(recorded[1:], start=1)
    ]


def minima(f: Rastrigin, values: Sequence[np.ndarray], search: bool) -> np.ndarray:
    """Return the minimum of each instance, (instances,).

    Parameters
    ----------
    values : f as methods found it, each (recorded, starts, instances)
    search : whether to look for the minimum itself; else it is the lowest value of any method
    """
    with np.errstate(invalid="ignore"):
        known = np.min([np.nanmin(each, axis=(0, 1)) for each in values], axis=0)
    if not search:
        return known
    ones = (f.batch(torch.tensor([i])) for i in range(len(f)))
    found = [lattice_minimum(one, low).objective for one, low in zip(ones, known, strict=True)]
    return np.minimum(found, known)
