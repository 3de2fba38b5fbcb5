"""The command that tells which searches ended at the edge of their grid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from l2o.artifacts.manifest import RELEASED
from l2o.columns import aligned
from l2o.commands.jobs import chosen
from l2o.config.values import within
from l2o.experiments.graph import Graph
from l2o.kinds import KINDS
from l2o.optimizers.registry import methods
from l2o.storage.tables import read_rows

TITLES = ("report", "setting", "method", "hyperparameter", "chosen", "tried", "value", "before it")
ENDING = "_tuned"  # of the tables of searches
CLOSE = 1e-9  # relative: a step that leaves an interval, or does not


def searches(preset: str, names: str) -> str:
    """Return which searches of a preset that are built chose a value at the edge of their grid.

    Raises
    ------
    InputError : bad parameters.
    """
    tables = [one.tables() for one in Graph(preset, chosen(names)).experiments.values()]
    return _told(
        path
        for found in tables
        if "tuned" in found and (path := found["tuned"].writes["table"]).is_file()
    )


def released_searches(folder: Path = RELEASED) -> str:
    """Return the same of what is released in a folder."""
    return _told(sorted(folder.glob(f"*{ENDING}.csv")))


def _told(paths: Iterable[Path]) -> str:
    """Return a table of the edges in the tables of searches, or that there is none."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for path in paths:
        own = groupby(read_rows(path), lambda row: (row["setting"], row["method"]))
        # A search that several settings share stands there for each of them.
        found |= {(path.stem.removesuffix(ENDING), *pair): list(told) for pair, told in own}
    rows = [(*head, *edge) for head, told in found.items() for edge in edges(head[-1], told)]
    if not rows:
        return f"none of {len(found)} searches ended at the edge of its grid"
    words = "searches these ended at an edge of their grid that is no limit of the method"
    table = aligned([TITLES, *rows], left=4)
    return f"of {len(found)} {words}; lower values are better\n\n{table}"


def edges(method: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield hyperparameters that are chosen at the edge of what was tried, as texts.

    An edge that is where the method's own range ends is none. What was tried in less than three
    values is a choice between cases, and has no edge.

    Parameters
    ----------
    rows : of one search: ``hyperparameters`` (JSON), ``loss``, ``chosen``

    Yields
    ------
    name, the value that was chosen, the least and the largest that were tried, the loss, and the
    loss one value before the edge, all else as chosen
    """
    tried = [(json.loads(row["hyperparameters"]), row) for row in rows]
    best, row = next((one, row) for one, row in tried if row["chosen"])
    ranges = _ranges(method)
    for name, value in best.items():
        values = sorted({one[name] for one, _ in tried if name in one})
        if len(values) < 3 or value not in (values[0], values[-1]):
            continue
        first = value == values[0]
        if _ends(value, first, ranges.get(name, "(-inf, inf)")):
            continue
        before = {**best, name: values[1] if first else values[-2]}
        beside = [one["loss"] for other, one in tried if other == before]
        told = (f"{float(loss):.6g}" for loss in (row["loss"], *beside))
        yield (name, f"{value:g}", f"{values[0]:g} to {values[-1]:g}", *(*told, "–")[:2])


def _ends(value: float, first: bool, interval: str) -> bool:
    """Return whether an interval ends at a value, below it or above it."""
    step = 1.0 if interval.startswith("integers") else CLOSE * max(1.0, abs(value))
    return not within(value - step if first else value + step, interval)


def _ranges(method: str) -> Mapping[str, str]:
    """Return the ranges of the hyperparameters of a method, of whatever kind it is."""
    return next((found[method].ranges for found in map(methods, KINDS) if method in found), {})
