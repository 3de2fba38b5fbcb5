"""What the evaluations of iterative methods share: who takes part, where from, what is recorded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.optimizers.protocol import Optimizer
from l2o.optimizers.trained import load_recurrent
from l2o.seeds import named_seed
from l2o.storage.tables import read_rows
from l2o.variants import MAIN

DENSE = 20  # iterations up to which each one is recorded
PER_DECADE = 24  # recorded from there on
STARTED = 0.1  # part of its first value that a run which started has lost somewhere


@dataclass(frozen=True)
class Contestant:
    """What the table says of a method beside its curve.

    ``variant`` is one of :data:`l2o.variants.VARIANTS`; the published iteration k is ours less
    ``shift``.
    ``layers`` counts the learned iterations of an unrolled net, ``learned`` the numbers that a
    method learned.
    """

    name: str
    kind: str
    label: str
    variant: str = MAIN
    layers: int = 0
    shift: int = 0
    learned: int = 0

    def about(self) -> dict[str, Any]:
        """Return the columns that say whose row it is."""
        return {
            "method": self.name,
            "variant": self.variant,
            "kind": self.kind,
            "label": self.label,
        }


@dataclass(frozen=True)
class Entry:
    """A method with its optimizer.

    Recurrent optimizers run in float32, in which they were trained: their precision is far above
    its rounding, and they take half the time. All others run in float64.
    """

    contestant: Contestant
    optimizer: Optimizer
    dtype: torch.dtype = torch.float64


def learned_entries(
    name: str, kind: str, checkpoints: Mapping[str, Path | None], shift: int = 0
) -> list[Entry]:
    """Return a meta-trained optimizer ready to run, as trained by each recipe.

    Parameters
    ----------
    name, kind : of the method; all but recurrent ones run in float64, since they may come nearer to
        a solution than float32 can say
    checkpoints : by variant, None where there is none
    shift : see :class:`Contestant`

    Raises
    ------
    InputError : see :func:`l2o.optimizers.trained.load_recurrent`.
    """
    found = []
    for variant, path in checkpoints.items():
        if path is not None:
            optimizer = load_recurrent(path).requires_grad_(False)
            learned = learned_values(optimizer)
            told = Contestant(name, kind, optimizer.label, variant, 0, shift, learned)
            if kind == "recurrent":
                found.append(Entry(told, optimizer, torch.float32))
            else:
                found.append(Entry(told, optimizer.double()))
    return found


def recorded_iterations(total: int, published: Path | None = None) -> list[int]:
    """Return the iterations of a curve: the first ones all, then evenly on the logarithmic axis.

    Those of a table of ``published`` curves are among them, and those before: some published
    curves lag by one.
    """
    decades = math.log10(max(total, 10)) - 1
    spaced = np.geomspace(10, max(total, 10), round(PER_DECADE * decades) + 1).round().astype(int)
    wanted = {*range(DENSE + 1), *spaced.tolist(), total}
    if published is not None:
        wanted |= {int(row["iteration"]) - lag for row in read_rows(published) for lag in (0, 1)}
    return sorted(k for k in wanted if 0 <= k <= total)


def start_points(seed: int, starts: int, instances: int, n: int, scale: float) -> Tensor:
    """Return random starts from N(0, scale^2), (starts, instances, n) float64.

    Start i is the same whatever the number of starts.
    """
    drawn = []
    for start in range(starts):
        generator = torch.Generator().manual_seed(named_seed(seed, "start", start))
        drawn.append(torch.randn(instances, n, generator=generator, dtype=torch.float64))
    return scale * torch.stack(drawn)


def quartiles(values: np.ndarray, names: Iterable[str]) -> list[dict[str, float]]:
    """Return the quartiles of each row of ``values``, (rows, ...), called by three names.

    Infinite and undefined values count as the largest.
    """
    flat = np.nan_to_num(values.reshape(len(values), -1), nan=math.inf, posinf=math.inf)
    with np.errstate(invalid="ignore"):
        found = np.quantile(flat, [0.25, 0.5, 0.75], axis=1)
    above = np.quantile(flat, [0.25, 0.5, 0.75], axis=1, method="higher")
    found = np.where(np.isnan(found), above, found).T  # between infinities nothing is interpolated
    names = tuple(names)
    return [dict(zip(names, map(float, row), strict=True)) for row in found]


def learned_values(module: torch.nn.Module) -> int:
    """Return how many numbers a net or an optimizer learned."""
    return sum(parameter.numel() for parameter in module.parameters())


def failures(values: np.ndarray) -> dict[str, int]:
    """Return how many runs there are, how many failed, and how many never started.

    A run failed if it ended not finite or not below its start. It never started if no value on its
    way is below the start by a tenth of it.

    Parameters
    ----------
    values : (recorded, ...), the start first
    """
    first, last = values[0], values[-1]
    with np.errstate(invalid="ignore"):
        sound = np.isfinite(last) & (last < first)
        started = (values <= first - STARTED * np.abs(first)).any(axis=0)
    counts = {"failed": ~sound, "never_started": ~started}
    return {"runs": int(last.size)} | {name: int(of.sum()) for name, of in counts.items()}


def tail(values: np.ndarray, name: str) -> dict[str, float]:
    """Return the 99th percentile of values over all runs; what is not finite is the largest."""
    whole = np.nan_to_num(values.ravel(), nan=math.inf, posinf=math.inf)
    return {name: float(np.quantile(whole, 0.99, method="higher"))}


def run_rows(
    values: np.ndarray,
    recorded: Sequence[int],
    targets: Sequence[float],
    evaluations: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each run: where it ended, and when it first was at each target or below.

    ``instance`` and ``start`` say which run; ``iteration_1`` and ``evaluations_1`` belong to the
    first target and so on, None where it is never reached. What happens between two recorded
    iterations is not seen.

    Parameters
    ----------
    values : (recorded, starts, instances); lower is better
    recorded : iterations k, ascending
    targets : values to reach
    evaluations : asked for until each recorded iteration, as ``values``; None: one an iteration
    """
    places = np.broadcast_to(np.asarray(recorded)[:, None, None], values.shape)
    asked = places if evaluations is None else np.broadcast_to(evaluations, values.shape)
    columns: dict[str, Any] = {}
    starts, instances = np.indices(values.shape[1:])
    columns |= {"instance": instances, "start": starts, "end": values[-1]}
    for number, target in enumerate(targets, start=1):
        with np.errstate(invalid="ignore"):
            there = values <= target
        first = there.argmax(axis=0)[None]
        for name, of in (("iteration", places), ("evaluations", asked)):
            at = np.take_along_axis(of, first, axis=0)[0].astype(object)
            columns[f"{name}_{number}"] = np.where(there.any(axis=0), at, None)
    cells = zip(*(column.T.ravel().tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in cells]


def status_of(first: float, last: float) -> str:
    """Return ``diverged`` where a curve's last value is not finite or not below its first."""
    return "converged" if math.isfinite(last) and last < first else "diverged"


def with_about(about: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with columns in front that all share."""
    return [{**about, **row} for row in rows]
