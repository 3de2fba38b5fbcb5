"""Evaluation on the training of networks: losses of all runs over the iterations, and their end."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.grid_search import tuned_hyperparameters
from l2o.evaluation.runs import (
    Contestant,
    Entry,
    failures,
    learned_entries,
    quartiles,
    run_rows,
    status_of,
    tail,
)
from l2o.optimizees.network_runs import load_digits, monitored
from l2o.optimizees.network_training import (
    Digits,
    NetworkTraining,
    NetworkTrainingFamily,
    evaluated,
)
from l2o.optimizees.networks import NETWORKS
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.recurrent.blocks import in_blocks
from l2o.optimizers.registry import methods
from l2o.variants import AS_DRAWN, MAIN, PUBLISHED

EVERY = 100  # iterations between two recorded ones, as in the published figure
EARLY = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70)
TIMED_STEPS, TIMED_ROUNDS = 5, 7  # steps of a block, and blocks, whose median counts
QUARTILES = ("loss_q25", "loss_median", "loss_q75")


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


def curve_rows(
    method: Contestant, recorded: Sequence[int], losses: np.ndarray
) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each recorded iteration.

    ``loss`` is the mean over the runs, ``loss_low`` and ``loss_high`` their extremes, ``loss_std``
    their standard deviation (NaN for one run), ``loss_q25``, ``loss_median`` and ``loss_q75`` their
    quartiles. A method has ``diverged`` where its last mean loss is not finite or above its first.

    Parameters
    ----------
    losses : (recorded, runs)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        loss = losses.mean(axis=1)
        spread = losses.std(axis=1, ddof=1) if losses.shape[1] > 1 else np.full(len(loss), np.nan)
    status = status_of(loss[0], loss[-1])
    return [
        {
            **method.about(),
            "iteration": k,
            "loss": loss[i],
            "loss_low": losses[i].min(),
            "loss_high": losses[i].max(),
            "loss_std": spread[i],
            **pooled,
            "shift": method.shift,
            "status": status,
        }
        for i, (k, pooled) in enumerate(zip(recorded, quartiles(losses, QUARTILES), strict=True))
    ]


def final_row(
    method: Contestant, network: str, runs: Runs, train: Digits, test: Digits
) -> dict[str, Any]:
    """Return what the trained networks are worth, over the runs that are finite.

    ``training_loss`` is of all training images, ``test_loss`` and ``test_accuracy`` (0 to 1) of
    all test images: means, and standard deviations as ``_std``; ``loss`` is that of the monitored
    images, of all runs, and ``failed`` and ``never_started`` count as
    :func:`l2o.evaluation.runs.failures` does.
    """
    row = {**method.about(), **failures(runs.losses), "learned": method.learned}
    (spread,) = quartiles(runs.losses[-1:], QUARTILES)
    row |= {"loss": float(runs.losses[-1].mean()), **spread} | tail(runs.losses[-1], "loss_p99")
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


def last_loss(
    optimizer: Optimizer,
    family: NetworkTrainingFamily,
    starts: Tensor,
    iterations: int,
    seen: Digits,
) -> float:
    """Return the mean over the runs of the loss on the images ``seen`` after the last iteration."""
    training = family.batch(torch.arange(len(starts)))
    runs = followed(optimizer, training, starts, [0, iterations], seen)
    return float(runs.losses[-1].mean())


def entries(who: Mapping[str, Any], inputs: Mapping[str, Path]) -> list[Entry]:
    """Return a method ready to run: as it was trained or tuned, then its other variants.

    Parameters
    ----------
    who : ``method``, ``kind`` and ``hyperparameters``; perhaps ``drawn``, hyperparameters that
        reproduce the published curve, and ``shift``, the iterations by which that lags
    inputs : ``checkpoint`` and perhaps ``published_recipe``, or ``tuned``, the table of a search

    Raises
    ------
    InputError : see :mod:`l2o.optimizers.trained` and :func:`tuned_hyperparameters`.
    """
    name, kind = who["method"], who["kind"]
    if kind == "recurrent":
        trained = {MAIN: inputs["checkpoint"], PUBLISHED: inputs.get(PUBLISHED)}
        found = learned_entries(name, "recurrent", trained)
        return [replace(entry, optimizer=in_blocks(entry.optimizer)) for entry in found]
    head, found = methods(kind)[name], []
    for variant, hyper, shift in (
        (MAIN, tuned_hyperparameters(who, inputs.get("tuned")), 0),
        (AS_DRAWN, who.get("drawn"), who.get("shift", 0)),
    ):
        if hyper is not None:
            label = f"{head.label} (rate {(head.hyperparameters | hyper)['rate']:g})"
            told = Contestant(name, kind, label, variant, shift=shift)
            found.append(Entry(told, head.load()(hyper), torch.float32))
    return found


@dataclass(frozen=True)
class TestRuns:
    """The runs on a network that every method does.

    Parameters
    ----------
    network : a name of :data:`l2o.optimizees.networks.NETWORKS`
    digits, test : images to train on, and those for the test
    starts : (runs, n) float32
    family : the runs
    recorded : iterations whose loss is recorded, ascending, 0 the start
    seen : images that it is recorded on
    """

    network: str
    digits: Digits
    test: Digits
    starts: Tensor
    family: NetworkTrainingFamily
    recorded: Sequence[int]
    seen: Digits

    @classmethod
    def read(cls, digits: Path, network: str, starts: Tensor, told: Mapping[str, Any]) -> TestRuns:
        """Return the runs from ``starts`` on stored digits.

        ``told`` are ``seed``, ``minibatch``, ``iterations`` and ``monitored``, a number of images.

        Raises
        ------
        InputError : the digits are missing, damaged or too few.
        """
        train, test = (load_digits(digits, split) for split in ("train", "test"))
        streams = (len(starts), told["seed"], "test", told["minibatch"])
        family = NetworkTrainingFamily(NETWORKS[network], train, *streams)
        recorded, seen = (
            recorded_iterations(told["iterations"]),
            monitored(train, told["monitored"]),
        )
        return cls(network, train, test, starts, family, recorded, seen)

    def rows(
        self, entry: Entry, targets: Sequence[float]
    ) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        """Let a method run; return its curve, what its networks are worth, seconds, and its runs.

        ``targets`` are losses to reach.
        """
        training, who = self.family.batch(torch.arange(len(self.starts))), entry.contestant
        runs = followed(entry.optimizer, training, self.starts, self.recorded, self.seen)
        seconds = {"method": who.name, "iteration": self.recorded[-1], "batch": len(self.starts)}
        return (
            curve_rows(who, self.recorded, runs.losses),
            final_row(who, self.network, runs, self.digits, self.test),
            seconds | {"seconds": runs.seconds},
            run_rows(runs.losses[:, None], self.recorded, targets),
        )
