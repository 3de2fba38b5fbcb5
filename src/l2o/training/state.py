"""The state of a training in progress, on disk: killed at any time, nothing is lost or changed."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from l2o.errors import InputError
from l2o.storage.checkpoints import load_groups, load_into, save_tensors

Chosen = list[tuple[str, nn.Parameter, float]]
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class TrainingState:
    """Position, best weights, optimizer moments, history and seconds of one training.

    A state file of another ``key`` (other parameters, sources or data), or a damaged one, is
    ignored and later replaced.
    """

    def __init__(self, path: Path, key: str, net: nn.Module, save_seconds: float) -> None:
        self.path, self.key, self.net, self.save_seconds = path, key, net, save_seconds
        self.stage, self.step = 0, 0
        self.best_db = math.inf
        self.history: list[dict[str, Any]] = []
        self._best: dict[str, Tensor] = {}
        self._moments: dict[str, Tensor] = {}
        self._chosen: Chosen = []
        self._seconds_before, self._started = 0.0, time.monotonic()
        self._saved_at = self._started

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of training so far, over all interruptions."""
        return self._seconds_before + time.monotonic() - self._started

    def begin_stage(self, chosen: Chosen, value: float) -> None:
        """Start a stage whose weights score ``value`` dB on the validation set."""
        self.best_db = value if math.isfinite(value) else math.inf
        self._chosen = chosen
        self._best = {name: p.detach().clone() for name, p, _ in chosen}
        self._moments = {}

    def keep_if_best(self, value: float) -> None:
        """Keep the current weights if ``value`` dB is the stage's best so far."""
        if value < self.best_db:
            self.best_db = value
            for name, parameter, _ in self._chosen:
                self._best[name].copy_(parameter.detach())

    @torch.no_grad()
    def finish_stage(self) -> None:
        """Put the best weights in place, move on to the next stage and save."""
        for name, parameter, _ in self._chosen:
            parameter.copy_(self._best[name])
        self.stage, self.step = self.stage + 1, 0
        self._best, self._moments, self._chosen = {}, {}, []
        self._save()

    def save_sometimes(self, step: int, chosen: Chosen, optimizer: torch.optim.Adam) -> None:
        """Save inside a stage, after ``step`` of its steps, if the last save is long ago."""
        if time.monotonic() - self._saved_at < self.save_seconds:
            return
        self.step = step
        for name, parameter, _ in chosen:
            for moment in MOMENTS:
                self._moments[f"{moment}.{name}"] = optimizer.state[parameter][moment]
        self._save()

    def load_adam(self, chosen: Chosen, optimizer: torch.optim.Adam) -> None:
        """Continue the stage that was interrupted: hand the saved moments to the optimizer."""
        self._chosen = chosen
        if self.step == 0:
            return
        for name, parameter, _ in chosen:
            moments = {m: self._moments[f"{m}.{name}"] for m in MOMENTS}
            on_device = {m: t.to(parameter.device) for m, t in moments.items()}
            optimizer.state[parameter] = on_device

    def resume(self) -> bool:
        """Take up the state on disk, if there is one of this key; say whether there was."""
        try:
            groups, record = load_groups(self.path, "net", "best", "adam")
        except InputError:
            return False
        if record.get("key") != self.key:
            return False
        load_into(self.net, groups["net"], self.path)
        device = next(self.net.parameters()).device
        self._best = {name: tensor.to(device) for name, tensor in groups["best"].items()}
        self._moments = groups["adam"]
        self.stage, self.step = record["stage"], record["step"]
        self.best_db = record["best_db"]
        self.history, self._seconds_before = record["history"], record["seconds"]
        return True

    def discard(self) -> None:
        """Remove the state of a training whose result is safely stored."""
        self.path.unlink(missing_ok=True)

    def _save(self) -> None:
        tensors = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        tensors |= {f"adam.{name}": tensor for name, tensor in self._moments.items()}
        record = {
            "key": self.key,
            "stage": self.stage,
            "step": self.step,
            "best_db": self.best_db,
            "history": self.history,
            "seconds": self.seconds,
        }
        save_tensors(self.path, tensors, record)
        self._saved_at = time.monotonic()
