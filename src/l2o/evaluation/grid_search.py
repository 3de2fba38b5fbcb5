"""A recorded grid search over hyperparameters: every combination, and which one is best."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from l2o.errors import InputError
from l2o.storage.tables import read_rows

Grid = Mapping[str, Sequence[float]]


def combinations(fixed: Mapping[str, float], grid: Grid) -> Iterator[dict[str, float]]:
    """Yield all combinations of the grid's values, each with the fixed hyperparameters."""
    for values in itertools.product(*grid.values()):
        yield {**fixed, **dict(zip(grid, values, strict=True))}


def grid_search(
    fixed: Mapping[str, float], grid: Grid, loss: Callable[[dict[str, float]], float]
) -> list[dict[str, Any]]:
    """Return a row for every combination, the lowest loss marked ``chosen``.

    Of equal losses the first is chosen; what is not finite counts as the largest. Without a grid
    there is one row.

    Parameters
    ----------
    fixed : hyperparameters that are not searched
    grid : values to try, by hyperparameter
    loss : of a combination; lower is better
    """
    tried = [
        {"hyperparameters": json.dumps(hyper), "loss": loss(hyper)}
        for hyper in combinations(fixed, grid)
    ]
    best = min(tried, key=lambda row: row["loss"] if math.isfinite(row["loss"]) else math.inf)
    return [{**row, "chosen": row is best} for row in tried]


def tuned_hyperparameters(who: Mapping[str, Any], tuned: Path | None) -> Mapping[str, float]:
    """Return the ``hyperparameters`` of a method, those that a search chose where there was one.

    Raises
    ------
    InputError : see :func:`chosen_hyperparameters`.
    """
    return who["hyperparameters"] if tuned is None else chosen_hyperparameters(tuned)


def chosen_hyperparameters(path: Path) -> dict[str, float]:
    """Return the chosen hyperparameters from a table of :func:`grid_search`.

    Raises
    ------
    InputError : the file is not such a table.
    """
    try:
        (best,) = (row for row in read_rows(path) if row["chosen"])
        return json.loads(best["hyperparameters"])
    except (KeyError, ValueError, TypeError) as error:
        problem = f"is not a table of a grid search ({error})"
        raise InputError(path, "chosen", problem, "build it again") from error
