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
from l2o.evaluation.runs import Contestant, Entry, failures, learned_values, tail
from l2o.evaluation.sparse_recovery import Followed
from l2o.optimizees.lasso import Lasso
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.continued import Continued
from l2o.optimizers.registry import methods
from l2o.optimizers.safeguarded import Safeguarded
from l2o.optimizers.trained import read_checkpoint
from l2o.variants import MAIN

LOWEST_DB = -160.0
SAFEGUARDED, TOLD = "safeguarded", "told"  # variants beside "main"
Row = dict[str, Any]


def recovery_row(found: Followed, variant: str = MAIN) -> Row:
    """Return what a method leaves at its depth: the mean of the samples' dB, and of all pooled."""
    errors = np.maximum(found.errors[found.depth], LOWEST_DB)
    with np.errstate(over="ignore"):
        ends = 10.0 ** (np.stack([np.zeros_like(errors), errors]) / 10.0)
    about = {"variant": variant, "kind": found.kind, "label": found.label}
    means = {"mean_db": errors.mean(), "second_db": max(found.pooled[found.depth], LOWEST_DB)}
    return about | {"iteration": found.depth} | _ends(ends, errors, means)


def run_ends(who: Contestant, iteration: int, first: np.ndarray, last: np.ndarray) -> Row:
    """Return what a method leaves of all runs: of their mean, and the median.

    Parameters
    ----------
    first, last : f less its minimum at the start and at the iteration, (runs,)
    """
    each = np.array([decibels(*pair) for pair in zip(last, first, strict=True)])
    with np.errstate(invalid="ignore", over="ignore"):
        mean = decibels(last.mean(), first.mean())
    means = {"mean_db": mean, "second_db": float(np.median(each))}
    about = {"variant": who.variant, "kind": who.kind, "label": who.label}
    return about | {"iteration": iteration} | _ends(np.stack([first, last]), each, means)


def _ends(ends: np.ndarray, each: np.ndarray, means: Mapping[str, float]) -> Row:
    counts = failures(ends)
    failed = {"failed": counts["failed"] / counts["runs"], "runs": counts["runs"]}
    return {**means, **tail(each, "p99_db"), **failed}


def decibels(last: float, first: float) -> float:
    """Return a part of the start's error in dB; infinite for what is not finite."""
    if not math.isfinite(last):
        return math.inf
    return max(10.0 * math.log10(last / first), LOWEST_DB) if last > 0 else LOWEST_DB


def no_row(kind: str, label: str, iteration: int, variant: str = MAIN) -> Row:
    """Return the row of a method that cannot be run on such instances: no numbers."""
    return {"variant": variant, "kind": kind, "label": label, "iteration": iteration}


def with_degradation(rows: Iterable[Row]) -> list[Row]:
    """Return rows with ``degradation_db``: what is left more than under the unshifted law.

    Rows of that law have ``home``; those of equal method, variant and iteration belong together.
    """
    rows = [*rows]
    home = {_whose(row): row.get("mean_db", math.nan) for row in rows if row["home"]}
    found = []
    for row in rows:
        own, here = home[_whose(row)], row.get("mean_db", math.nan)
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
    found: Sequence[tuple[Contestant, np.ndarray]], recorded: Sequence[int]
) -> list[tuple[str, Row]]:
    """Return a row for each method and iteration after the start, with whose it is.

    The gaps are to the lowest value that any of the methods found on an instance: the best known
    minimum, where none can be proven.

    Parameters
    ----------
    found : methods with the values of f, (recorded, starts, instances), the start first
    recorded : iterations, 0 first
    """
    with np.errstate(invalid="ignore"):
        lowest = np.min([np.nanmin(values, axis=(0, 1)) for _, values in found], axis=0)
    rows = []
    for who, values in found:
        gaps = (values - lowest).reshape(len(values), -1)
        for place, iteration in enumerate(recorded[1:], start=1):
            rows.append((who.name, run_ends(who, iteration, gaps[0], gaps[place])))
    return rows
