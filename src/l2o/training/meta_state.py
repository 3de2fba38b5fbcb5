"""The state of a meta-training between two epochs, on disk."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from l2o.errors import InputError
from l2o.storage.checkpoints import load_groups, load_into, save_tensors
from l2o.training.state import MOMENTS


class MetaState:
    """Weights, best weights, Adam's moments, position and history of one meta-training.

    A state file of another ``key``, or a damaged one, is ignored and later replaced.
    """

    def __init__(self, path: Path, key: str, net: nn.Module) -> None:
        self.path, self.key, self.net = path, key, net
        self.epoch, self.rate_factor, self.failures = 0, 1.0, 0
        self.best_value, self.seconds = math.inf, 0.0
        self.history: list[dict[str, Any]] = []
        self.best = self.weights()

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the net's weights."""
        return {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}

    def keep_if_best(self, value: float) -> None:
        """Keep the current weights if ``value`` is the best so far."""
        if value < self.best_value:
            self.best_value, self.best = value, self.weights()

    def resume(self, adam: torch.optim.Adam) -> bool:
        """Take up the state on disk, if there is one of this key; say whether there was."""
        try:
            groups, record = load_groups(self.path, "net", "best", "adam")
        except InputError:
            return False
        if record.get("key") != self.key:
            return False
        load_into(self.net, groups["net"], self.path)
        device = next(self.net.parameters()).device
        self.best = {name: tensor.to(device) for name, tensor in groups["best"].items()}
        for name, parameter in self.net.named_parameters():
            if f"step.{name}" in groups["adam"]:
                moments = {m: groups["adam"][f"{m}.{name}"] for m in MOMENTS}
                adam.state[parameter] = {m: t.to(parameter.device) for m, t in moments.items()}
        self.epoch, self.rate_factor = record["epoch"], record["rate_factor"]
        self.failures, self.best_value = record["failures"], record["best_value"]
        self.history, self.seconds = record["history"], record["seconds"]
        return True

    def save(self, adam: torch.optim.Adam) -> None:
        """Write everything, atomically."""
        tensors = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for name, parameter in self.net.named_parameters():
            for moment, tensor in adam.state.get(parameter, {}).items():
                tensors[f"adam.{moment}.{name}"] = tensor
        names = ("key", "epoch", "rate_factor", "failures", "best_value", "history", "seconds")
        save_tensors(self.path, tensors, {name: getattr(self, name) for name in names})

    def discard(self) -> None:
        """Remove the file of a meta-training whose result is safely stored."""
        self.path.unlink(missing_ok=True)
