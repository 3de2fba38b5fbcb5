"""Training of nets for pictures that are sensed by blocks, on crops of pictures.

The loss of a step is the mean squared error of the last phase, plus ``symmetry`` times the sum of
the phases' errors of symmetry (the paper's), plus ``every_phase`` times the mean squared errors of
all other phases (ours: with a small budget early phases learn little without).

Source: Zhang & Ghanem 2018, eq. 11.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.config.sensing_training import SensingTraining
from l2o.errors import InputError
from l2o.optimizees.block_sensing import BLOCK, BlockSensing
from l2o.optimizers.registry import methods
from l2o.optimizers.sensing_net import SensingNet
from l2o.optimizers.trained import read_checkpoint
from l2o.seeds import named_generator, named_seed
from l2o.training.adam import Adam
from l2o.training.progress import Progress
from l2o.training.results import store_training
from l2o.training.state import MetaState

HISTORY = ("step", "loss", "validation_loss", "validation_psnr", "rate_factor", "status")
MOST_FAILURES = 5  # rounds in a row that diverged before the training is given up
AT_ONCE = 8  # crops validated at once
Draw = Callable[[int], Tensor]
Sense = Callable[[Tensor], BlockSensing]


def train_sensing(given: Given, sense: Sense, crops: tuple[Draw, Tensor]) -> None:
    """Train a net, or go on with its training, and store what came of it.

    Parameters
    ----------
    given : parameters ``setting``, ``method``, ``hyperparameters``, ``training`` (see
        :class:`SensingTraining`), ``seed``, ``device``, ``compute_threads``; perhaps an input
        ``start``, the checkpoint of the same net at another ratio
    sense : makes a problem of pictures, on their device
    crops : what draws those of a step, and those of validation, (crops, height, width)

    Raises
    ------
    InputError : no such device, all of the training diverged, an output cannot be written, or the
        start is another net.
    """
    told = given.parameters
    device = prepare_device(told["device"], told["compute_threads"])
    generator = torch.Generator().manual_seed(named_seed(told["seed"], "weights"))
    net = methods("sensing_nets")[told["method"]].load()(told["hyperparameters"], generator)
    net.to(device)
    start = given.inputs.get("start")
    begun = None if start is None else read_checkpoint(start, "sensing_nets").tensors
    state = MetaState(given.state, given.key, net)
    budget = SensingTraining.model_validate(told["training"])
    progress = Progress(f"{told['setting']} {net.label}", budget.steps, "step")
    draw, validation = crops
    trainer = SensingTrainer(net, sense, draw, validation, budget, state, partial(_told, progress))
    trainer.run(begun)
    progress.close()
    store_training(given, net, state, device, HISTORY, {})


def _told(progress: Progress, row: Mapping[str, Any]) -> None:
    text = f"validation {row['validation_psnr']:.2f} dB"
    progress.show(row["step"], text, f"step {row['step']}, {text} ({row['status']})")


class SensingTrainer:
    """Trains one net; interrupted between two validations, a second run ends with the same bytes.

    Parameters
    ----------
    net : untrained
    sense : makes a problem of pictures
    draw : returns the crops of a step by its number, (crops, height, width)
    validation : crops, (crops, height, width)
    budget : steps, rates, weights of the loss
    state : where the training is kept; its epochs are the rounds between two validations
    report : called with each row of the history
    """

    def __init__(
        self,
        net: SensingNet,
        sense: Sense,
        draw: Draw,
        validation: Tensor,
        budget: SensingTraining,
        state: MetaState,
        report: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.net, self.sense, self.draw, self.budget = net, sense, draw, budget
        self.state, self.report = state, report
        net.judged = budget.symmetry > 0
        self.device = next(net.parameters()).device
        self.validation, self.adam = validation.to(self.device), Adam(net.parameters())

    def run(self, begun: Mapping[str, Tensor] | None = None) -> None:
        """Train it all; the net ends with the weights that were best on validation.

        The untrained net, which is the linear start, is among them. ``begun`` are weights to go on
        from.

        Raises
        ------
        InputError : every round diverged, or ``begun`` are the weights of another net.
        """
        state, budget = self.state, self.budget
        state.resume(self.adam)
        if state.epoch == 0:
            self._begin(begun)
        rounds = -(-budget.steps // budget.validate_every)
        while state.epoch < rounds and state.failures < MOST_FAILURES:
            first = state.epoch * budget.validate_every
            last = min(first + budget.validate_every, budget.steps)
            loss = self._steps(first, last)
            state.epoch += 1
            self._validated(last, loss)
            state.save(self.adam)
        if all(row["status"] == "diverged" for row in state.history[1:]):
            problem = "training diverged in every round"
            raise InputError(self.net.name, "rate", problem, "lower the rate of its training")
        self.net.load_state_dict(state.best)

    def _begin(self, begun: Mapping[str, Tensor] | None) -> None:
        """Note what the untrained net is worth, then take up weights."""
        self._validated(0, math.nan)
        if begun is None:
            return
        own = {name: tensor.shape for name, tensor in self.net.state_dict().items()}
        if own != {name: tensor.shape for name, tensor in begun.items()}:
            problem = "is of another architecture than the net that goes on from it"
            raise InputError("start", self.net.name, problem, "give both the same sizes")
        self.net.load_state_dict(dict(begun))
        self._validated(0, math.nan)

    def _steps(self, first: int, last: int) -> float:
        """Take some steps; return their mean loss, not finite where one was not."""
        budget, losses = self.budget, []
        for step in range(first, last):
            loss = self.loss(self.draw(step).to(self.device))
            self.adam.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), budget.clip)
            losses.append(loss.item())
            if not (math.isfinite(losses[-1]) and math.isfinite(norm.item())):
                return math.nan
            share = step / budget.steps
            rate = 0.5 * budget.rate * (1 + math.cos(math.pi * share)) * self.state.rate_factor
            rising = min(1.0, (step + 1) / max(1.0, budget.warmup * budget.steps))
            self.adam.step(rate * rising for _ in self.adam.parameters)
        return sum(losses) / len(losses)

    def loss(self, crops: Tensor) -> Tensor:
        """Return the loss on crops, ()."""
        f = self.sense(crops)
        pictures, errors = self.net(f, f.start())
        each = torch.stack([(picture - crops).square().mean() for picture in pictures])
        others = each[:-1].mean() if len(each) > 1 else each.new_zeros(())
        budget = self.budget
        return each[-1] + budget.symmetry * errors.sum() + budget.every_phase * others

    @torch.no_grad()
    def validate(self) -> float:
        """Return the mean squared error of the last phase on the validation crops."""
        errors = []
        for crops in self.validation.split(AT_ONCE):
            f = self.sense(crops)
            found = self.net(f, f.start())[0][-1]
            errors.append((found.clamp(0, 1) - crops).square().mean(dim=(1, 2)))
        return torch.cat(errors).double().mean().item()

    def _validated(self, step: int, loss: float) -> None:
        """Validate, keep the weights if they are the best, and write a row of the history."""
        state, value = self.state, self.validate()
        sound = math.isfinite(value) and (step == 0 or math.isfinite(loss))
        if sound:
            state.keep_if_best(value)
            state.failures = 0
        else:
            self.net.load_state_dict(state.best)
            self.adam.state.clear()
            state.rate_factor, state.failures = 0.5 * state.rate_factor, state.failures + 1
        row = {
            "step": step,
            "loss": loss if math.isfinite(loss) else None,
            "validation_loss": value if math.isfinite(value) else None,
            "validation_psnr": -10 * math.log10(value) if math.isfinite(value) else None,
            "rate_factor": state.rate_factor,
            "status": "ok" if sound else "diverged",
        }
        state.history.append(row)
        self.report(row | {"validation_psnr": row["validation_psnr"] or math.nan})


def crops_of_step(
    pictures: Mapping[str, np.ndarray], batch: int, side: int, seed: int, step: int
) -> Tensor:
    """Return crops for a step at random places, turned and mirrored at random.

    Parameters
    ----------
    pictures : (height, width) uint8, by name; those that are too small are padded with zeros
    batch : number of crops
    side : of a crop, blocks of 33 pixels
    seed : root of the named random streams

    Returns
    -------
    (batch, 33 side, 33 side) float32 from 0 to 1
    """
    random, size = named_generator(seed, "crops", step), BLOCK * side
    every, crops = [*pictures.values()], np.zeros((batch, size, size), np.float32)
    for crop in crops:
        picture = every[random.integers(len(every))]
        top, left = (random.integers(max(1, edge - size + 1)) for edge in picture.shape)
        part = picture[top : top + size, left : left + size] / np.float32(255)
        crop[: part.shape[0], : part.shape[1]] = part
        turned = np.rot90(crop, random.integers(4))
        crop[:] = (turned.T if random.integers(2) else turned).copy()
    return torch.from_numpy(crops)
