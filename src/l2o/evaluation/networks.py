"""Evaluation on the training of networks: losses of all runs over the iterations, and their end."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.grid_search import Grid, combinations
from l2o.evaluation.runs import Contestant
from l2o.optimizees.network_training import (
    Digits,
    NetworkTraining,
    NetworkTrainingFamily,
    evaluated,
)
from l2o.optimizees.networks import NETWORKS
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.registry import methods
from l2o.storage.digit_sets import read_digits

EVERY = 100  # iterations between two recorded ones, as in the published figure
EARLY = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70)
TIMED_STEPS, TIMED_ROUNDS = 5, 7  # steps of a block, and blocks, whose median counts


@dataclass(frozen=True)
class Runs:
    """All runs of a method.

    Parameters
    ----------
    losses : mean cross-entropy on the monitored images, nats, (recorded, runs) float64
    x : parameters after the last iteration, (runs, n)
    seconds : of the steps alone
    """

    losses: np.ndarray
    x: Tensor
    seconds: float


def load_digits(path: Path, split: str) -> Digits:
    """Return the digits of a split of a stored set; errors as :func:`read_digits`."""
    images, labels = read_digits(path, split)
    return Digits(torch.from_numpy(images), torch.from_numpy(labels), str(path))


def monitored(digits: Digits, count: int) -> Digits:
    """Return the first ``count`` images, on which the training loss is followed.

    MNIST's training images are in no order of classes or writers that the first ones would miss.
    """
    return Digits(digits.images[:count], digits.labels[:count], digits.source)


def recorded_iterations(total: int) -> list[int]:
    """Return the iterations of a curve: a few early ones, then every hundredth, and the last."""
    return sorted({k for k in (*EARLY, *range(0, total, EVERY)) if k < total} | {total})


@torch.no_grad()
def followed(
    optimizer: Optimizer,
    training: NetworkTraining,
    starts: Tensor,
    recorded: Sequence[int],
    seen: Digits,
) -> Runs:
    """Train every run as one batch with an optimizer; record the loss on the images ``seen``.

    A run that left the finite numbers stays infinite; where none is left, the rest is not run.

    Parameters
    ----------
    training : the runs at their first minibatch
    starts : (runs, n) float32
    recorded : iterations k, ascending, 0 the start
    """
    losses, seconds = np.full((len(recorded), len(starts)), np.inf), 0.0
    place = {k: i for i, k in enumerate(recorded)}
    state = optimizer.init(training, starts)
    for k in range(recorded[-1] + 1):
        if k in place:
            loss, _ = evaluated(training.network, state[0], seen)
            losses[place[k]] = loss.nan_to_num(nan=math.inf).numpy()
            if not np.isfinite(losses[place[k]]).any():
                break
        if k < recorded[-1]:
            began = time.perf_counter()
            state = optimizer.step(training, state)
            seconds += time.perf_counter() - began
    return Runs(losses, state[0], seconds)


def lost(losses: np.ndarray) -> np.ndarray:
    """Return which runs, (runs,), diverged: their last loss is not finite or above their first."""
    with np.errstate(invalid="ignore"):
        return ~(np.isfinite(losses[-1]) & (losses[-1] <= losses[0]))


def curve_rows(
    method: Contestant, recorded: Sequence[int], losses: np.ndarray
) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each recorded iteration.

    ``loss`` is the mean over the runs, ``loss_low`` and ``loss_high`` their extremes, ``loss_std``
    their standard deviation (NaN for one run). A method has ``diverged`` where its last mean loss
    is not finite or above its first.

    Parameters
    ----------
    losses : (recorded, runs)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        loss = losses.mean(axis=1)
        spread = losses.std(axis=1, ddof=1) if losses.shape[1] > 1 else np.full(len(loss), np.nan)
    sound = np.isfinite(loss[-1]) and loss[-1] <= loss[0]
    return [
        {
            "method": method.name,
            "variant": method.variant,
            "kind": method.kind,
            "label": method.label,
            "iteration": k,
            "loss": loss[i],
            "loss_low": losses[i].min(),
            "loss_high": losses[i].max(),
            "loss_std": spread[i],
            "shift": method.shift,
            "status": "converged" if sound else "diverged",
        }
        for i, k in enumerate(recorded)
    ]


def final_row(
    method: Contestant, network: str, runs: Runs, train: Digits, test: Digits
) -> dict[str, Any]:
    """Return what the trained networks are worth, over the runs that are finite.

    ``training_loss`` is of all training images, ``test_loss`` and ``test_accuracy`` (0 to 1) of
    all test images: means, and standard deviations as ``_std``; ``diverged`` counts runs.
    """
    row = {"method": method.name, "label": method.label, "kind": method.kind}
    row |= {"runs": runs.losses.shape[1], "diverged": int(lost(runs.losses).sum())}
    finite = runs.x[torch.isfinite(runs.x).all(dim=1)]
    ends = (evaluated(NETWORKS[network], finite, digits) for digits in (train, test))
    (training, _), (tested, accuracy) = ends
    named = {"training_loss": training, "test_loss": tested, "test_accuracy": accuracy}
    for name, values in named.items():
        row[name] = float(values.mean()) if len(values) else math.nan
        row[f"{name}_std"] = float(values.std()) if len(values) > 1 else math.nan
    return row


@torch.no_grad()
def seconds_per_step(
    optimizer: Optimizer, family: NetworkTrainingFamily, starts: Tensor
) -> tuple[float, float]:
    """Return the seconds per step of all runs together, of an optimizer and of Adam beside it.

    Blocks of both take turns, so that what else the machine does weighs on both alike.
    """
    adam = methods("first_order")["adam"].load()({})
    contests = [
        _Timed(each, family.batch(torch.arange(len(starts))), starts) for each in (optimizer, adam)
    ]
    blocks = [tuple(contest.block() for contest in contests) for _ in range(TIMED_ROUNDS)]
    ours, theirs = (median(column) for column in zip(*blocks, strict=True))
    return ours, theirs


class _Timed:
    """An optimizer on runs of its own, timed block by block."""

    def __init__(self, optimizer: Optimizer, training: NetworkTraining, starts: Tensor) -> None:
        self.optimizer, self.training = optimizer, training
        self.state: State = optimizer.step(training, optimizer.init(training, starts))

    def block(self) -> float:
        began = time.perf_counter()
        for _ in range(TIMED_STEPS):
            self.state = self.optimizer.step(self.training, self.state)
        return (time.perf_counter() - began) / TIMED_STEPS


def rate_search(
    family: NetworkTrainingFamily,
    starts: Tensor,
    iterations: int,
    seen: Digits,
    first_order: Mapping[str, Mapping[str, float]],
    grids: Mapping[str, Grid],
) -> Iterator[dict[str, Any]]:
    """Yield a row for every combination of every method, the lowest loss marked ``chosen``.

    ``loss`` is the mean over the runs after the last iteration, on the images ``seen``; of equal
    ones the first is chosen. A method without a grid has one row.

    Parameters
    ----------
    starts : (runs, n) float32
    first_order : fixed hyperparameters by method
    grids : values to try, by method and hyperparameter
    """
    for name, fixed in first_order.items():
        made, tried = methods("first_order")[name].load(), []
        for hyper in combinations(fixed, grids.get(name, {})):
            training = family.batch(torch.arange(len(starts)))
            runs = followed(made(hyper), training, starts, [0, iterations], seen)
            loss = float(runs.losses[-1].mean())
            tried.append({"method": name, "hyperparameters": json.dumps(hyper), "loss": loss})
        best = min(tried, key=lambda row: row["loss"] if math.isfinite(row["loss"]) else math.inf)
        yield from ({**row, "chosen": row is best} for row in tried)
