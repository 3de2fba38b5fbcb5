"""The meta-training of one recurrent optimizer, from optimizees to a finished training."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from l2o.compute import prepare_device
from l2o.config.meta_training import MetaTraining
from l2o.errors import InputError
from l2o.optimizees.protocol import OptimizeeFamily
from l2o.optimizers.protocol import Optimizer
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.seeds import named_seed
from l2o.training.meta import MetaTrainer
from l2o.training.meta_state import MetaState

MakeFamily = Callable[[torch.device], OptimizeeFamily]


@dataclass(frozen=True)
class MetaJob:
    """What one meta-training needs beside its optimizees.

    Parameters
    ----------
    method : class of the optimizer
    hyperparameters : of the optimizer
    teacher : optimizer to imitate, where the budget says so
    budget : epochs, curriculum, augmentations
    seed : root of the named random streams
    device : auto, cpu or cuda
    compute_threads : threads of one job on the CPU
    title : what the progress bar shows
    state : file that keeps an unfinished training
    key : the state of another key is ignored
    """

    method: type[RecurrentOptimizer]
    hyperparameters: dict[str, float]
    teacher: Optimizer | None
    budget: MetaTraining
    seed: int
    device: str
    compute_threads: int
    title: str
    state: Path
    key: str

    def run(
        self, train: MakeFamily, validation: MakeFamily
    ) -> tuple[RecurrentOptimizer, MetaState, str]:
        """Train; return the optimizer, the state with history and seconds, and the device used.

        Parameters
        ----------
        train, validation : make the optimizees on a device

        Raises
        ------
        InputError : every epoch diverged.
        """
        device = prepare_device(self.device, self.compute_threads)
        generator = torch.Generator().manual_seed(named_seed(self.seed, "weights"))
        optimizer = self.method(self.hyperparameters, generator).to(device)
        state = MetaState(self.state, self.key, optimizer)
        report = _Progress(f"{self.title} {optimizer.label}", self.budget)
        families = train(device), validation(device)
        given = (self.budget, self.seed, state, report)
        done = MetaTrainer(optimizer, *families, *given, self.teacher).run()
        report.bar.close()
        if all(row["status"] == "diverged" for row in done.history):
            problem = "meta-training diverged in every epoch"
            raise InputError(self.title, optimizer.name, problem, "lower its rate or its horizons")
        if done.epoch < self.budget.rounds:
            print(f"{self.title}: given up after {done.epoch} epochs, of which the last diverged")
        return optimizer, done, device.type


class _Progress:
    """A bar on a terminal, plain lines in a log."""

    def __init__(self, title: str, budget: MetaTraining) -> None:
        self.title, self.budget = title, budget
        quiet = not sys.stderr.isatty()
        self.bar = tqdm(total=budget.rounds, desc=title, unit="epoch", disable=quiet)

    def __call__(self, row: dict[str, Any]) -> None:
        self.bar.n = row["epoch"]
        text = f"meta-loss {row['meta_loss']:.3f}, validation {row['validation_loss']:.3f}"
        self.bar.set_postfix_str(text)
        told = row["epoch"] % self.budget.validate_every == 0 or row["status"] != "ok"
        if self.bar.disable and told:
            print(f"{self.title}: epoch {row['epoch']}, {text} ({row['status']})", flush=True)
