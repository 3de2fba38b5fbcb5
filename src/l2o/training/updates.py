"""Training by updates, each on problems of its own: what all such trainings do alike."""

from __future__ import annotations

import math
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from l2o.errors import InputError
from l2o.training.adam import Adam
from l2o.training.progress import Progress
from l2o.training.state import MetaState

MOST_FAILURES = 5  # updates in a row that diverged before the training is given up


class Budget(Protocol):
    """What a training of this sort is allowed."""

    updates: int
    rate: float
    clip: float
    validate_every: int


class UpdateTrainer:
    """Trains one net; interrupted anywhere, a second run ends with the same bytes.

    A subclass defines ``loss`` and ``validation_loss``. The rate of Adam falls as a cosine. An
    update whose loss or gradient is not finite is left out, and halves the rate from there on.

    Parameters
    ----------
    net : at its drawn weights
    budget : updates, rate, clip (of the gradient's norm), validate_every
    state : where the training is kept between validations; its epochs are updates
    title : for messages

    Attributes
    ----------
    keeps_start : whether the weights in the beginning may be the best
    """

    keeps_start: ClassVar[bool] = False

    def __init__(self, net: nn.Module, budget: Budget, state: MetaState, title: str) -> None:
        self.net, self.budget, self.state = net, budget, state
        self.adam = Adam(net.parameters())
        self.progress = Progress(title, budget.updates, "update")

    def loss(self, number: int) -> Tensor:
        """Return the loss of an update, ()."""
        raise NotImplementedError

    def validation_loss(self) -> float:
        """Return what is lowest for the best weights."""
        raise NotImplementedError

    def run(self) -> None:
        """Train it all; the net ends with the weights that were best on validation."""
        state, budget = self.state, self.budget
        state.resume(self.adam)
        if self.keeps_start and state.epoch == 0:
            self._validate()
        while state.epoch < budget.updates and state.failures < MOST_FAILURES:
            losses = []
            last = min(state.epoch + budget.validate_every, budget.updates)
            while state.epoch < last and state.failures < MOST_FAILURES:
                losses.append(self._update(state.epoch))
                state.epoch += 1
            self._validated(losses)
            state.save(self.adam)
        self.net.load_state_dict(state.best)
        self.progress.close()

    def check(self, setting: str, method: str) -> None:
        """Check that some updates were sound.

        Raises
        ------
        InputError : every update diverged.
        """
        if all(row["status"] == "diverged" for row in self.state.history):
            problem = "training diverged throughout"
            raise InputError(setting, method, problem, "lower its rate or its horizons")

    def _update(self, number: int) -> float:
        """Take a step of Adam; return the loss, NaN where something is not finite."""
        loss = self.loss(number)
        self.adam.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.budget.clip)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            self.state.failures += 1
            self.state.rate_factor *= 0.5
            return math.nan
        self.state.failures = 0
        share = number / self.budget.updates
        rate = 0.5 * (1 + math.cos(math.pi * share)) * self.budget.rate * self.state.rate_factor
        self.adam.step(rate for _ in self.adam.parameters)
        return loss.item()

    @torch.no_grad()
    def _validate(self) -> float:
        """Return the validation loss; keep the weights if best."""
        value = self.validation_loss()
        self.state.keep_if_best(value if math.isfinite(value) else math.inf)
        return value

    def _validated(self, losses: list[float]) -> None:
        """Keep the weights if best; add a row to the history."""
        value = self._validate()
        sound = [loss for loss in losses if math.isfinite(loss)]
        row = {
            "epoch": self.state.epoch,
            "meta_loss": sum(sound) / len(sound) if sound else math.nan,
            "validation_loss": value,
            "rate_factor": self.state.rate_factor,
            "status": "ok" if sound else "diverged",
        }
        self.state.history.append(row)
        text = f"loss {row['meta_loss']:.3f}, validation {value:.3f}"
        self.progress.show(row["epoch"], text, f"update {row['epoch']}, {text}")
