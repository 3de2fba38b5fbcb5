"""What a learned proximal method is worth before its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from l2o.config.meta_training import AnalyticStart
from l2o.evaluation.lasso import excess_at, final_row
from l2o.evaluation.runs import Contestant, Entry, learned_values, recorded_iterations, run_rows
from l2o.optimizees.fresh_lasso import FreshLasso
from l2o.optimizers.registry import methods
from l2o.training.recurrent import weights_generator


def begun(training: Mapping[str, Any]) -> Entry:
    """Return a learned method with the weights that its training begins with, in float64.

    Parameters
    ----------
    training : parameters as of :func:`l2o.training.recurrent.train_recurrent`

    Raises
    ------
    InputError : it cannot begin so, see :class:`l2o.optimizers.structured.StructuredOptimizer`.
    """
    kind = training["kind"]
    head = methods(kind)[training["method"]]
    optimizer = head.load()(training["hyperparameters"], weights_generator(training["seed"]))
    if start := training["meta_training"].get("start"):
        optimizer.begin(AnalyticStart.model_validate(start))
    told = Contestant(head.name, kind, head.label, learned=learned_values(optimizer))
    return Entry(told, optimizer.double().requires_grad_(False))


def begun_row(
    training: Mapping[str, Any],
    f: FreshLasso,
    starts: Tensor,
    iterations: int,
    targets: Sequence[float],
) -> dict[str, Any]:
    """Return how a learned method ends before its training, and when it is at each target.

    ``iteration_1`` and so on are medians over the instances, infinite where half of them never get
    there; other columns as of :func:`l2o.evaluation.lasso.final_row`.

    Parameters
    ----------
    training : see :func:`begun`
    f : the instances, float64
    starts : (starts, instances, n), float64
    targets : values of (f - f*) / f*
    """
    found, recorded = begun(training), recorded_iterations(iterations)
    excess, optimum = (
        excess_at(found.optimizer, f, starts, recorded, found.dtype),
        f.optimum.numpy(),
    )
    runs, row = run_rows(excess / optimum, recorded, targets), {}
    for number in range(1, len(targets) + 1):
        needed = [run[f"iteration_{number}"] for run in runs]
        taken = [np.inf if count is None else count for count in needed]
        row[f"iteration_{number}"] = float(np.quantile(taken, 0.5, method="higher"))
    return final_row(found.contestant, excess, optimum) | row
