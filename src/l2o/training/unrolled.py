"""The job that trains an unrolled net: from what it is given to the files that it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.config.training import Training
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import read_checkpoint
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.training.losses import TrainingLoss
from l2o.training.progress import Progress
from l2o.training.progressive import ProgressiveTrainer, Samples
from l2o.training.results import store_training
from l2o.training.search import Search
from l2o.training.stages import Stage
from l2o.training.state import SavedState

Split = tuple[np.ndarray, np.ndarray]
HISTORY = ("stage", "layer", "step", "train_loss_db", "validation_loss_db", "status")


def train_unrolled(
    given: Given,
    dictionary: np.ndarray,
    train: Split,
    validation: Split,
    make_loss: Callable[[Tensor], TrainingLoss],
    about: Mapping[str, Any],
) -> None:
    """Train an unrolled net, or go on with its interrupted training, and store what came of it.

    Parameters
    ----------
    given : parameters ``setting``, ``method``, ``hyperparameters``, ``depth``, ``training`` (see
        :class:`Training`), ``seed``, ``device`` and ``compute_threads``; outputs ``checkpoint``,
        ``history`` and ``training_seconds``; the file of the state; perhaps the input ``start``, a
        trained net that it goes on from
    dictionary : A, (m, n) float64
    train, validation : b, (samples, m), and the loss's targets, (samples, ...)
    make_loss : makes the loss, given A on the device of the training
    about : what the checkpoint's record says besides

    Raises
    ------
    InputError : no such device, or an output cannot be written.
    """
    told = given.parameters
    device = prepare_device(told["device"], told["compute_threads"])
    budget, depth = Training.model_validate(told["training"]), told["depth"]
    method = methods("unrolled")[told["method"]].load()
    contained = given.inputs.get("start")
    start = budget.start if contained is None else ""
    net = method(torch.from_numpy(dictionary).float(), depth, told["hyperparameters"], start)
    if contained is not None:
        found = read_checkpoint(contained, "unrolled")
        net.adopt(found.net(found.dictionary() if "/" in budget.start else dictionary))
    net.to(device)
    kept = {"state_path": given.state, "key": given.key, "title": f"{told['setting']} {net.label}"}
    done = trained(net, train, validation, make_loss(net.A), budget, told["seed"], **kept)
    columns = (*HISTORY, *(net.trainable if net.searched else ()))
    store_training(given, net, done, device, columns, {"depth": depth, **about})


def trained(
    net: UnrolledNet,
    train: Split,
    validation: Split,
    loss: TrainingLoss,
    budget: Training,
    seed: int,
    *,
    state_path: Path,
    key: str,
    title: str,
    quiet: bool = False,
) -> SavedState:
    """Train a net, or go on with its interrupted training; return the state of the finished one.

    Parameters
    ----------
    net : at its classical start
    train, validation : b, (samples, m), and the loss's targets, (samples, ...)
    state_path, key : where an unfinished training is kept, and what makes it what it is
    title : of the bar or of the lines that show the progress
    quiet : show none
    """

    def samples(split: Split) -> Samples:
        return Samples(*(torch.from_numpy(part).float().to(net.A.device) for part in split))

    net.calibrate(samples(train).b)
    sets = samples(train), samples(validation)
    trainer = trainer_of(net, *sets, loss, budget, seed, state_path, key, lambda *row: report(*row))
    progress = Progress(title, sum(stage.steps for stage in trainer.stages), "step", quiet)
    report = _reported(progress, trainer.stages)
    done = trainer.run()
    progress.close()
    return done


def trainer_of(
    net: UnrolledNet,
    train: Samples,
    validation: Samples,
    loss: TrainingLoss,
    budget: Training,
    seed: int,
    state_path: Path,
    key: str,
    report: Callable[[Stage, dict[str, Any]], None],
) -> ProgressiveTrainer | Search:
    """Return what trains a net: by the gradient of the loss, or a search that knows no target."""
    how = budget, seed, state_path, key, report
    return (
        Search(net, train, *how)
        if net.searched
        else ProgressiveTrainer(net, train, validation, loss, *how)
    )


def _reported(progress: Progress, stages: list[Stage]) -> Callable[[Stage, dict[str, Any]], None]:
    """Return what shows the rows of the history; a log has a line a stage."""

    def report(stage: Stage, row: dict[str, Any]) -> None:
        done = sum(earlier.steps for earlier in stages[: stages.index(stage)]) + row["step"]
        value = f"{row['validation_loss_db']:.2f} dB"
        line = f"{stage.title}, step {row['step']}, validation {value} ({row['status']})"
        progress.show(done, f"{stage.title} {value}", line if row["step"] == stage.steps else "")

    return report
