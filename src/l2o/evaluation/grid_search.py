"""A recorded grid search over hyperparameters: every combination, and which one is best."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from l2o.errors import InputError
from l2o.evaluation.rastrigin import followed
from l2o.optimizees.rastrigin import Rastrigin
from l2o.optimizers.registry import methods
from l2o.storage.tables import read_table

Grid = Mapping[str, Sequence[float]]


def combinations(fixed: Mapping[str, float], grid: Grid) -> Iterator[dict[str, float]]:
    """Yield all combinations of the grid's values, each with the fixed hyperparameters."""
    for values in itertools.product(*grid.values()):
        yield {**fixed, **dict(zip(grid, values, strict=True))}


def grid_search(
    f: Rastrigin,
    starts: Tensor,
    iterations: int,
    first_order: Mapping[str, Mapping[str, float]],
    grids: Mapping[str, Grid],
) -> list[dict[str, Any]]:
    """Return a row for every combination of every method, the lowest loss marked ``chosen``.

    ``loss`` is f after the last iteration, averaged over instances and starts; of equal ones the
    first is chosen. A method without a grid has one row.

    Parameters
    ----------
    f : instances, float64
    starts : (starts, instances, n)
    first_order : fixed hyperparameters by method
    grids : values to try, by method and hyperparameter
    """
    rows = []
    for name, fixed in first_order.items():
        made = methods("first_order")[name].load()
        tried = []
        for hyper in combinations(fixed, grids.get(name, {})):
            runs = followed(made(hyper), f, starts, [iterations], f.b.dtype)
            loss = float(runs.values.mean())
            tried.append({"method": name, "hyperparameters": json.dumps(hyper), "loss": loss})
        best = min(tried, key=lambda row: row["loss"] if math.isfinite(row["loss"]) else math.inf)
        rows += [{**row, "chosen": row is best} for row in tried]
    return rows


def chosen_hyperparameters(path: Path) -> dict[str, dict[str, float]]:
    """Return the chosen hyperparameters by method from a table of :func:`grid_search`.

    Raises
    ------
    InputError : the file is not such a table.
    """
    table: pd.DataFrame = read_table(path)
    try:
        best = table[table["chosen"]]
        return {row["method"]: json.loads(row["hyperparameters"]) for _, row in best.iterrows()}
    except (KeyError, ValueError) as error:
        problem = f"is not a table of a grid search ({error})"
        raise InputError(path, "chosen", problem, "build it again") from error
