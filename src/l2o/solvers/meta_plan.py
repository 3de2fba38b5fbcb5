"""How a recurrent optimizer is meta-trained for a user: problems, opponents, budget, state."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.config.meta_training import MetaTraining
from l2o.errors import InputError
from l2o.optimizees.instances import Instances
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.registry import methods
from l2o.seeds import named_seed
from l2o.solvers.fitting import PLAN, kept
from l2o.solvers.opponents import (
    COMPARED_ON,
    FIRST_STEPS,
    RATES,
    HeldOut,
    held_out,
    lowest,
    starts,
    tuned,
)
from l2o.solvers.problems import Gauged, parts
from l2o.storage.json_files import read_json, write_json
from l2o.training.meta import MetaTrainer
from l2o.training.progress import Progress
from l2o.training.recurrent import weights_generator
from l2o.training.state import MetaState

EPOCHS = {"quick": 60, "standard": 300, "thorough": 1500}
GAUGED_FOR = 5  # horizons that classical methods run to gauge a problem
WIDEST_STEP = 2.0  # times Adam's tuned rate: what a bounded step may be, where no scale is given
TRIAL_EPOCHS = 2  # to learn how many a minute has
# As in the benchmark (params/fig6.yaml and fig7.yaml).
USUAL: Mapping[str, Any] = {
    "batch_size": 32,
    "unroll": 20,
    "rate": 5.0e-3,
    "clip": 1.0,
    "scaling": 0.0,
    "convex": 0.0,
    "imitation": 0.0,
    "imitation_share": 0.0,
    "validation_samples": 128,
}
BY_METHOD: Mapping[str, Mapping[str, Any]] = {
    "l2o_enhanced": {"imitation": 1.0, "imitation_share": 0.3},
    "l2o_scale": {"rate": 1.0e-2},
}


class MetaPlan:
    """A meta-training: problems, opponents and budget; see :func:`l2o.solvers.meta_fit.meta_fit`.

    Parameters
    ----------
    family : checked, float64
    """

    def __init__(
        self,
        family: Instances,
        method: str,
        horizon: int,
        start_scale: float,
        budget: str,
        minutes: float | None,
        given: Mapping[str, float],
        seed: int,
    ) -> None:
        self.family, self.method, self.horizon, self.scale = family, method, horizon, start_scale
        self.budget, self.minutes, self.seed = budget, minutes, seed
        self.sets = dict(zip(("train", "validation", "test"), parts(family, seed), strict=True))
        f, x = self._some("validation", COMPARED_ON)
        self.adam = tuned("adam", "rate", RATES, f, x, horizon)
        self.nag = tuned("nag", "rate", FIRST_STEPS, f, x, horizon)
        rate, own = self.adam.hyper["rate"], methods("recurrent")[method].hyperparameters
        most = own.get("highest_rate", rate)
        suited = {"scale": WIDEST_STEP * rate, "rate": min(rate, most)}
        self.hyper = {name: value for name, value in suited.items() if name in own} | dict(given)

    def _some(self, split: str, most: int) -> tuple[Instances, Tensor]:
        """Return at most so many problems of a split, float64, and starts."""
        problems = self.sets[split]
        problems = problems.batch(torch.arange(min(most, len(problems))))
        return problems, starts(problems, self.scale, named_seed(self.seed, "start", split))

    def trained(self, keep: Path | None, progress: bool) -> tuple[RecurrentOptimizer, MetaState]:
        """Return the optimizer, trained, and the state at the end, its file removed."""
        families = [self._gauged(split) for split in ("train", "validation")]
        with kept(keep) as folder:
            budget = self._training(folder, families)
            optimizer, state = self._begun(folder / "state.safetensors", budget)
            bar = Progress(optimizer.label, budget.rounds, "epoch", quiet=not progress)
            report = partial(_report, bar, budget)
            self._trainer(optimizer, families, budget, state, report).run()
            state.discard()
        bar.close()
        if all(row["status"] == "diverged" for row in state.history):
            problem = "meta-training diverged in every epoch"
            remedy = "lower the method's scale, start_scale or the horizon"
            raise InputError(self.method, "", problem, remedy)
        return optimizer.requires_grad_(False), state

    def compared(self, optimizer: RecurrentOptimizer) -> HeldOut:
        """Return the optimizer and its opponents on problems held out."""
        f, x = self._some("test", COMPARED_ON)
        return held_out(optimizer, [self.adam, self.nag], f, x, self.horizon)

    def note(self) -> str:
        """Return how the opponents were tuned, in words."""
        count, rate = min(COMPARED_ON, len(self.sets["validation"])), self.adam.hyper["rate"]
        step = self.nag.hyper["rate"]
        return f"tuned on {count} problems: rate {rate:g} of Adam, first step {step:g} of NAG"

    def told(self) -> dict[str, Any]:
        """Return what the file of the optimizer says of its training."""
        found = {"family": type(self.family).__name__, "dimension": self.family.dimension}
        found |= {"problems": len(self.sets["train"]), "horizon": self.horizon}
        return found | {"start_scale": self.scale, "budget": self.budget, "seed": self.seed}

    def _gauged(self, split: str) -> Instances | Gauged:
        """Return the problems of a split, float32, with what is known of their depths."""
        problems = self.sets[split]
        if type(problems).meta_loss is not Instances.meta_loss:
            return problems.to(torch.float32)
        x = starts(problems, self.scale, named_seed(self.seed, "gauge", split))
        by = [self.adam, self.nag]
        known = lowest(problems, x, by, GAUGED_FOR * self.horizon)
        return Gauged(problems.to(torch.float32), *(each.float() for each in known))

    def _begun(self, path: Path, budget: MetaTraining) -> tuple[RecurrentOptimizer, MetaState]:
        head = methods("recurrent")[self.method]
        with torch.device("cpu"):
            optimizer = head.load()(self.hyper, weights_generator(self.seed)).float()
        return optimizer, MetaState(path, self._key(budget), optimizer)

    def _trainer(
        self,
        optimizer: RecurrentOptimizer,
        families: list[Any],
        budget: MetaTraining,
        state: MetaState,
        report: Any,
    ) -> MetaTrainer:
        teacher = self.adam if budget.imitation else None
        return MetaTrainer(optimizer, *families, budget, self.seed, state, report, teacher)

    def _training(self, folder: Path, families: list[Any]) -> MetaTraining:
        """Return the budget; of a time in minutes what was measured when the training began."""
        if self.minutes is None:
            return self._epochs(EPOCHS[self.budget])
        noted = folder / PLAN
        begun = read_json(noted) if noted.is_file() else {}
        if begun.get("minutes") != self.minutes:
            trial = self._epochs(TRIAL_EPOCHS)
            with tempfile.TemporaryDirectory() as place:
                optimizer, state = self._begun(Path(place) / "trial", trial)
                trainer = self._trainer(optimizer, families, trial, state, lambda row: None)
                began = perf_counter()
                trainer.run()
                each = (perf_counter() - began) / TRIAL_EPOCHS
            epochs = int(np.clip(60.0 * self.minutes / each, 2, 1_000_000))
            begun = {"minutes": self.minutes, "epochs": epochs}
            write_json(noted, begun)
        return self._epochs(begun["epochs"])

    def _epochs(self, epochs: int) -> MetaTraining:
        chosen = USUAL | BY_METHOD.get(self.method, {})
        horizons = sorted({max(1, self.horizon // 2), self.horizon})
        chosen |= {"unroll": min(chosen["unroll"], horizons[0]), "horizons": horizons}
        chosen |= {"epochs": epochs, "validate_every": max(1, epochs // 10)}
        return MetaTraining(
            **chosen, validation_steps=self.horizon, start_scale=self.scale, evolution=None
        )

    def _key(self, budget: MetaTraining) -> str:
        """Return what makes a training what it is: problems, plan and budget, as a hash."""
        found = hashlib.sha256(_source(type(self.family)).encode())
        for each in fields(self.family):
            value = getattr(self.family, each.name)
            tensor = isinstance(value, Tensor)
            found.update(f"{each.name} {value.shape if tensor else value}".encode())
            found.update(value.contiguous().numpy().tobytes() if tensor else b"")
        told = [self.method, dict(self.hyper), self.seed, self.scale, self.horizon]
        found.update(json.dumps([*told, budget.model_dump()], sort_keys=True).encode())
        return found.hexdigest()


def _source(kind: type) -> str:
    """Return the code of a class; of one that was typed in, what its objective compiles to."""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        code = kind.objective.__code__
        constants = [each for each in code.co_consts if isinstance(each, int | float | str)]
        return f"{code.co_code.hex()} {code.co_names} {constants}"


def _report(bar: Progress, budget: MetaTraining, row: Mapping[str, Any]) -> None:
    due = math.isfinite(row["validation_loss"]) or row["status"] != "ok"
    text = f"meta-loss {row['meta_loss']:.3f}, validation {row['validation_loss']:.3f}"
    line = f"epoch {row['epoch']} of {budget.rounds}, {text} ({row['status']})"
    bar.show(row["epoch"], text, line if due else "")
