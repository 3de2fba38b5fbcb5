"""Several nets for one dictionary, on the same data: that which validates best is kept.

:mod:`l2o.solvers.fitting` trains each of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.solvers.budgets import AUTO, CANDIDATES
from l2o.solvers.dictionary import Dictionary
from l2o.solvers.fitting import Plan, grown, place_of, untrained
from l2o.solvers.samples import Data
from l2o.solvers.solver import Solver
from l2o.training.losses import RecoveryLoss


@dataclass(frozen=True)
class Score:
    """What a trained net reaches on the validation samples.

    Parameters
    ----------
    db : the figure by which its weights were chosen, in float64: half the mean of the samples' dB
        and half the dB of the pooled error; infinity where that is no number
    failed : share of the samples that are no nearer to their signals than x = 0; it is told, and
        chooses nothing
    """

    db: float
    failed: float


def settings_of(method: str) -> Mapping[str, str]:
    """Return the ranges of a method's settings, by name; of ``auto`` those of all candidates."""
    heads = methods("unrolled")
    if method != AUTO:
        return heads[method].ranges
    return {name: limits for each in CANDIDATES for name, limits in heads[each].ranges.items()}


def best(
    dictionary: Dictionary, data: Data, plan: Plan, folder: Path, quiet: bool
) -> tuple[list[Solver], list[str]]:
    """Return the candidates' solvers, trained, and what to tell of the choice, a line each.

    The solvers are in the order of their scores; the first one's record tells those of all. Each
    candidate has the same data, order of samples and share of the minutes, and those of the
    settings that it knows: it ends as if it had been named.

    Parameters
    ----------
    dictionary, data, quiet : see :func:`l2o.solvers.fitting.fitted`
    plan : for the recovery of signals; the method in it does not matter
    folder : of the states of all, each in a folder of its own

    Raises
    ------
    InputError : the states cannot be written, or the dictionary leaves no candidate its weights.
    """
    plans = {name: _plan_of(name, plan) for name in CANDIDATES}
    nets, left_out = _nets(dictionary, data, plans)
    shared = None if plan.minutes is None else plan.minutes / len(nets)
    tried = []
    for name, net in nets.items():
        own = replace(plans[name], minutes=shared)
        solver = grown(net, dictionary, data, own, place_of(folder, name), quiet)
        tried.append((solver, score(solver, data)))
    tried.sort(key=lambda pair: pair[1].db)  # a stable sort: of equals the earlier one is first
    lines = [_choice(tried, len(data.splits["validation"].b))]
    lines += [
        f"{methods('unrolled')[name].label} was left out: {reason}"
        for name, reason in left_out.items()
    ]
    told: dict[str, Any] = {solver.name: _told(found) for solver, found in tried}
    told |= {name: {"left_out": reason} for name, reason in left_out.items()}
    first = tried[0][0]
    first.record = first.record | {"fit": first.record["fit"] | {"candidates": told}}
    first.about = replace(first.about, notes=(*first.about.notes, *lines))
    return [solver for solver, _ in tried], lines


def score(solver: Solver, data: Data) -> Score:
    """Return what a solver reaches on the validation samples.

    Parameters
    ----------
    solver : a trained net
    data : with signals as targets
    """
    part = data.splits["validation"]
    b, target = (array.astype(np.float64) for array in (part.b, part.target))
    x = solver.solve(b * data.scale).x / data.scale
    if solver.norms is not None:
        x = x * solver.norms.numpy()
    found = RecoveryLoss().score_db(*(torch.from_numpy(array) for array in (x, b, target)))
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.square(x - target).sum(axis=1) < np.square(target).sum(axis=1)
    return Score(found if math.isfinite(found) else math.inf, float(1.0 - near.mean()))


def _plan_of(name: str, plan: Plan) -> Plan:
    """Return the plan of one candidate, with those of the settings that it knows."""
    known = methods("unrolled")[name].ranges
    own = {key: value for key, value in plan.hyperparameters.items() if key in known}
    return replace(plan, method=name, hyperparameters=own)


def _nets(
    dictionary: Dictionary, data: Data, plans: Mapping[str, Plan]
) -> tuple[dict[str, UnrolledNet], dict[str, str]]:
    """Return the candidates at their starts, and of those that have none the reasons."""
    nets, left_out, errors = {}, {}, []
    for name, plan in plans.items():
        try:
            nets[name] = untrained(dictionary, data, plan)
        except InputError as error:
            left_out[name] = error.problem
            errors.append(error)
    if not nets:
        raise errors[0]
    return nets, left_out


def _choice(tried: list[tuple[Solver, Score]], samples: int) -> str:
    """Return which candidate is kept and by how much, in one line.

    Parameters
    ----------
    tried : solvers and scores, the best first
    samples : that they were judged by
    """
    (first, best), *others = tried
    text = f"{first.label} is kept: {_words(best)} on {samples:,} validation samples"
    for solver, found in others:
        behind = found.db - best.db
        gap = "level with it" if not behind > 0 else f"{behind:.1f} dB behind"
        text += f"; {solver.label}: {_words(found)}, {gap}"
    return text


def _words(found: Score) -> str:
    return f"{found.db:.1f} dB, {100 * found.failed:.1f} % failed"


def _told(found: Score) -> dict[str, float | None]:
    """Return a score as the record of a file tells it."""
    return {
        "validation_db": found.db if math.isfinite(found.db) else None,
        "failed": found.failed,
    }
