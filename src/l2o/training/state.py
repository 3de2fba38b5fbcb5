"""Trainings in progress, on disk: killed at any time, nothing is lost or changed."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from l2o.errors import InputError
from l2o.storage.checkpoints import load_into, load_tensors, save_tensors
from l2o.training.adam import Adam

Tensors = dict[str, Tensor]
Named = Iterable[tuple[str, nn.Parameter]]
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class SavedState:
    """What every training keeps: weights, best weights, Adam's moments, history and seconds.

    A file of another ``key`` (other parameters, sources or data), or one that is not to the bit as
    it was saved, is ignored and later replaced. ``kept`` names the other attributes that are saved,
    JSON-able ones.

    Parameters
    ----------
    path : of the file
    key : of the training
    net : what is trained
    """

    kept: ClassVar[tuple[str, ...]]

    def __init__(self, path: Path, key: str, net: nn.Module) -> None:
        self.path, self.key, self.net = path, key, net
        self.history: list[dict[str, Any]] = []
        self.best: Tensors = {}
        self._seconds_before, self._started = 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of training so far, over all interruptions."""
        return self._seconds_before + time.monotonic() - self._started

    def discard(self) -> None:
        """Remove the file of a training whose result is safely stored."""
        self.path.unlink(missing_ok=True)

    def _load(self) -> Tensors:
        """Take up the file, if there is one of this key; return Adam's moments in it."""
        try:
            tensors, record = load_tensors(self.path)
        except InputError:
            return {}
        digest = record.pop("digest", None)
        if record.get("key") != self.key or digest != _digest(tensors, record):
            return {}
        groups: dict[str, Tensors] = {"net": {}, "best": {}, "adam": {}}
        for name, tensor in tensors.items():
            group, rest = name.split(".", 1)
            groups[group][rest] = tensor
        load_into(self.net, groups["net"], self.path)
        device = next(self.net.parameters()).device
        self.best = {name: tensor.to(device) for name, tensor in groups["best"].items()}
        for name in ("history", *self.kept):
            setattr(self, name, record[name])
        self._seconds_before = record["seconds"]
        return groups["adam"]

    def _save(self, moments: Tensors) -> None:
        groups = {"net": self.net.state_dict(), "best": self.best, "adam": moments}
        tensors = {f"{group}.{name}": t for group, of in groups.items() for name, t in of.items()}
        record = {name: getattr(self, name) for name in ("key", "history", "seconds", *self.kept)}
        save_tensors(self.path, tensors, record | {"digest": _digest(tensors, record)})


class TrainingState(SavedState):
    """The state of a training in stages; ``best`` is of what the current stage trains.

    Parameters
    ----------
    path, key, net : see :class:`SavedState`
    save_seconds : least time between two saves inside a stage
    """

    kept = ("stage", "step", "best_db")

    def __init__(self, path: Path, key: str, net: nn.Module, save_seconds: float) -> None:
        super().__init__(path, key, net)
        self.save_seconds, self._saved_at = save_seconds, self._started
        self.stage, self.step, self.best_db = 0, 0, math.inf
        self._found: Tensors = {}

    def resume(self) -> None:
        """Take up the file on disk, if there is one of this key."""
        self._found = self._load()

    def begin_stage(
        self,
        chosen: list[tuple[str, nn.Parameter]],
        adam: Adam,
        score: Callable[[], float],
    ) -> None:
        """Start a stage, or go on with it where it was interrupted.

        Parameters
        ----------
        chosen : what it trains, by name
        adam : gets the moments of an interrupted stage
        score : returns the weights' score on the validation set, dB
        """
        self._chosen, self._adam = chosen, adam
        if self.step > 0:
            _give_moments(adam, chosen, self._found)
            return
        value = score()
        self.best_db = value if math.isfinite(value) else math.inf
        self.best = {name: parameter.detach().clone() for name, parameter in chosen}

    def keep_if_best(self, value: float) -> None:
        """Keep the current weights if ``value`` dB is the stage's best so far."""
        if value < self.best_db:
            self.best_db = value
            for name, parameter in self._chosen:
                self.best[name].copy_(parameter.detach())

    @torch.no_grad()
    def finish_stage(self) -> None:
        """Put the best weights in place, move on to the next stage and save."""
        for name, parameter in self._chosen:
            parameter.copy_(self.best[name])
        self.stage, self.step, self.best = self.stage + 1, 0, {}
        self._save({})

    def save_sometimes(self, step: int) -> None:
        """Save inside a stage, after ``step`` of its steps, if the last save is long ago."""
        if time.monotonic() - self._saved_at >= self.save_seconds:
            self.step = step
            self._save(_moments(self._adam, self._chosen))

    def _save(self, moments: Tensors) -> None:
        super()._save(moments)
        self._saved_at = time.monotonic()


class MetaState(SavedState):
    """The state of a meta-training between two epochs."""

    kept = ("epoch", "rate_factor", "failures", "best_value")

    def __init__(self, path: Path, key: str, net: nn.Module) -> None:
        super().__init__(path, key, net)
        self.epoch, self.rate_factor, self.failures, self.best_value = 0, 1.0, 0, math.inf
        self.best = self.weights()

    def weights(self) -> Tensors:
        """Return a copy of the net's weights."""
        return {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}

    def keep_if_best(self, value: float) -> None:
        """Keep the current weights if ``value`` is the best so far."""
        if value < self.best_value:
            self.best_value, self.best = value, self.weights()

    def resume(self, adam: Adam) -> None:
        """Take up the file on disk, if there is one of this key."""
        _give_moments(adam, self.net.named_parameters(), self._load())

    def save(self, adam: Adam) -> None:
        """Write everything, atomically."""
        self._save(_moments(adam, self.net.named_parameters()))


def _moments(adam: Adam, named: Named) -> Tensors:
    return {f"{m}.{name}": t for name, p in named for m, t in adam.state.get(p, {}).items()}


def _give_moments(adam: Adam, named: Named, moments: Tensors) -> None:
    """Let Adam go on from saved moments, where there are some."""
    for name, parameter in named:
        if f"step.{name}" in moments:
            found = {m: moments[f"{m}.{name}"].to(parameter.device) for m in MOMENTS}
            adam.state[parameter] = found


def _digest(tensors: Tensors, record: dict[str, Any]) -> str:
    """Return a SHA-256 over tensors and record."""
    found = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()
