"""The job that trains a recurrent optimizer: from what it is given to the files that it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Generator

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.config.meta_training import MetaTraining
from l2o.errors import InputError
from l2o.optimizees.protocol import OptimizeeFamily
from l2o.optimizers.protocol import Optimizer
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.registry import methods
from l2o.seeds import named_seed
from l2o.training.meta import MetaTrainer
from l2o.training.progress import Progress
from l2o.training.results import store_training
from l2o.training.state import MetaState

HISTORY = ("epoch", "meta_loss", "validation_loss", "rate_factor", "status")


def train_recurrent(
    given: Given,
    family: Callable[[str, torch.device], OptimizeeFamily],
    about: Mapping[str, Any],
) -> None:
    """Meta-train a recurrent optimizer, or go on with it, and store what came of it.

    Parameters
    ----------
    given : parameters ``setting``, ``method``, ``kind``, ``hyperparameters``, ``meta_training``
        (see :class:`MetaTraining`), ``seed``, ``device``, ``compute_threads`` and, where the budget
        has imitation, ``teacher`` (a first-order method and its hyperparameters); outputs and state
        as for :func:`l2o.training.unrolled.train_unrolled`
    family : returns the optimizees of a split, ``train`` or ``validation``, on a device
    about : what the checkpoint's record says besides

    Raises
    ------
    InputError : no such device, every epoch diverged, or an output cannot be written.
    """
    told = given.parameters
    device = prepare_device(told["device"], told["compute_threads"])
    method = methods(told["kind"])[told["method"]].load()
    optimizer = method(told["hyperparameters"], weights_generator(told["seed"])).to(device)
    budget = MetaTraining.model_validate(told["meta_training"])
    if budget.start is not None:
        optimizer.begin(budget.start)
    teacher = None
    for name, hyper in told.get("teacher", {}).items():
        teacher = methods("first_order")[name].load()(hyper)
    families = family("train", device), family("validation", device)
    state = MetaState(given.state, given.key, optimizer)
    meta_train(optimizer, families, budget, told["seed"], state, told["setting"], teacher)
    store_training(given, optimizer, state, device, HISTORY, about)


def weights_generator(seed: int) -> Generator:
    """Return what draws the weights of a recurrent optimizer before its training."""
    return torch.Generator().manual_seed(named_seed(seed, "weights"))


def meta_train(
    optimizer: RecurrentOptimizer,
    families: tuple[OptimizeeFamily, OptimizeeFamily],
    budget: MetaTraining,
    seed: int,
    state: MetaState,
    setting: str,
    teacher: Optimizer | None = None,
) -> None:
    """Meta-train an optimizer, with progress told; history and seconds are then in ``state``.

    Parameters
    ----------
    families : to train and to validate on
    seed : root of the named random streams
    state : of this optimizer
    setting : for messages
    teacher : optimizer to imitate, where the budget says so

    Raises
    ------
    InputError : every epoch diverged.
    """
    progress = Progress(f"{setting} {optimizer.label}", budget.rounds, "epoch")
    report = _reported(progress, budget)
    MetaTrainer(optimizer, *families, budget, seed, state, report, teacher).run()
    progress.close()
    if all(row["status"] == "diverged" for row in state.history):
        problem = "meta-training diverged in every epoch"
        raise InputError(setting, optimizer.name, problem, "lower its rate or its horizons")
    if state.epoch < budget.rounds:
        print(f"{setting}: given up after {state.epoch} epochs, of which the last diverged")


def _reported(progress: Progress, budget: MetaTraining) -> Callable[[dict[str, Any]], None]:
    """Return what shows the rows of the history; a log has validations and failures."""

    def report(row: dict[str, Any]) -> None:
        text = f"meta-loss {row['meta_loss']:.3f}, validation {row['validation_loss']:.3f}"
        told = row["epoch"] % budget.validate_every == 0 or row["status"] != "ok"
        line = f"epoch {row['epoch']}, {text} ({row['status']})" if told else ""
        progress.show(row["epoch"], text, line)

    return report
