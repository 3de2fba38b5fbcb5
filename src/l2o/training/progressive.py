"""Progressive training of unrolled nets on cached layer inputs (paper, 4.1.1).

Each step descends the logarithm of the error of a batch (l2o.training.losses). Kept are the weights
with the best score on the validation set, the start among them: what a net contains it does not
fall behind.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l2o.config.training import Training
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.seeds import named_seed
from l2o.training.adam import Adam
from l2o.training.inputs import LayerInputs
from l2o.training.losses import TrainingLoss
from l2o.training.stages import Stage, schedule, trained_parameters
from l2o.training.state import TrainingState

Inputs = tuple[LayerInputs, LayerInputs]  # of the training and of the validation set
Report = Callable[[Stage, dict[str, Any]], None]


@dataclass(frozen=True)
class Samples:
    """Measurements b, (samples, m), and the loss's targets, (samples, ...), on the net's device."""

    b: Tensor
    target: Tensor


class ProgressiveTrainer:
    """Trains one net; interrupted anywhere, a second run ends with the same bytes.

    Parameters
    ----------
    net : the net, at its start
    train, validation : sample sets on the net's device
    loss : what the outputs of the layers are trained for
    budget : stages and rates
    seed : root of the named random streams that order the samples
    state_path : where the state of an unfinished training is kept
    key : what makes this training what it is; the state of another key is ignored
    report : called with the stage and each new history row
    save_seconds : least time between two states saved inside a stage
    """

    def __init__(
        self,
        net: UnrolledNet,
        train: Samples,
        validation: Samples,
        loss: TrainingLoss,
        budget: Training,
        seed: int,
        state_path: Path,
        key: str,
        report: Report,
        save_seconds: float = 20.0,
    ) -> None:
        self.net, self.train, self.validation = net, train, validation
        self.loss, self.budget, self.seed, self.report = loss, budget, seed, report
        self.state = TrainingState(state_path, key, net, save_seconds)
        # Before the final stage there is nothing to train where all layers share everything.
        stages = schedule(net.depth, budget)
        self.stages = [stage for stage in stages if trained_parameters(net, stage, 1.0)]
        self.scale = loss.scale(train.target)

    def run(self) -> TrainingState:
        """Train through all stages; return the state with the history and the seconds spent."""
        state, start = self.state, copy.deepcopy(self.net)
        state.resume()
        caches = _Caches(self.net, self.train, self.validation)
        for stage in self.stages[state.stage :]:
            inputs = caches.before(stage)
            if stage.kind == "layer" and stage.last > 0 and state.step == 0:
                self._begin_layer(stage, inputs)
            self._run_stage(stage, inputs)
            state.finish_stage()
        self._keep_if_better(start)
        return state

    @torch.no_grad()
    def _begin_layer(self, stage: Stage, inputs: Inputs) -> None:
        """Begin with the layer's own start or with the layer before, whichever is better."""
        own = [parameter.clone() for parameter in self.net.layer_parameters(stage.last)]
        value = self._validate(stage, inputs)
        self.net.warm_start(stage.last)
        if value < self._validate(stage, inputs):
            for parameter, start in zip(self.net.layer_parameters(stage.last), own, strict=True):
                parameter.copy_(start)

    @torch.no_grad()
    def _keep_if_better(self, start: UnrolledNet) -> None:
        """Go back to the start where the end is not better.

        In float64, since some starts are more exact than what float32 can tell.
        """
        b, target = self.validation.b.double(), self.validation.target.double()
        before, after = (
            self.loss.score_db(net.double()(b)[-1], b, target)
            for net in (start, copy.deepcopy(self.net))
        )
        if not after < before:
            self.net.load_state_dict(start.state_dict())

    def _run_stage(self, stage: Stage, inputs: Inputs) -> None:
        net, state = self.net, self.state
        chosen = trained_parameters(net, stage, self.budget.scalar_factor)
        net.requires_grad_(False)
        for _, parameter, _ in chosen:
            parameter.requires_grad_(True)
        optimizer = Adam([parameter for _, parameter, _ in chosen], fused=True)
        named = [(name, parameter) for name, parameter, _ in chosen]
        state.begin_stage(named, optimizer, lambda: self._validate(stage, inputs))
        total, since = 0.0, 0
        for step, index in self._batches(stage, state.step):
            b, target = (t.index_select(0, index) for t in (self.train.b, self.train.target))
            output = self._through(stage, inputs[0].batch(index), b)
            error = self.loss.error(output, b, target)
            optimizer.zero_grad()
            error.log().backward()
            optimizer.step([stage.rate_at(step) * factor for _, _, factor in chosen])
            total, since = total + error.detach(), since + 1
            if (step + 1) % self.budget.validate_every == 0 or step + 1 == stage.steps:
                train_db = _decibel(float(total) / since / self.scale)
                total, since = 0.0, 0
                sound = self._record(stage, inputs, step + 1, train_db)
                if not sound:
                    break
                state.save_sometimes(step + 1)

    def _record(self, stage: Stage, inputs: Inputs, step: int, train_db: float) -> bool:
        """Validate, keep the best weights, log a row; False if the training has diverged."""
        value = self._validate(stage, inputs)
        sound = math.isfinite(value) and math.isfinite(train_db)
        row = {
            "stage": stage.kind,
            "layer": stage.last + 1,
            "step": step,
            "train_loss_db": train_db,
            "validation_loss_db": value,
            "status": "ok" if sound else "diverged",
        }
        self.state.keep_if_best(value)
        self.state.history.append(row)
        self.report(stage, row)
        return sound

    def _through(self, stage: Stage, prepared: tuple[Tensor, ...], b: Tensor) -> Tensor:
        """Return the iterate after the stage's last layer from the input of its first."""
        net = self.net
        for k in range(stage.first, stage.last):
            prepared = net.prepare(net.apply_layer(k, prepared, b), b)
        return net.apply_layer(stage.last, prepared, b)[0]

    @torch.no_grad()
    def _validate(self, stage: Stage, inputs: Inputs) -> float:
        _, held = inputs
        output = self._through(stage, held.tensors, held.b)
        return self.loss.score_db(output, held.b, self.validation.target)

    def _batches(self, stage: Stage, done: int) -> Iterator[tuple[int, Tensor]]:
        """Yield step and sample indices, from step ``done`` on; each epoch has its own stream."""
        count, size = len(self.train.b), min(self.budget.batch_size, len(self.train.b))
        per_epoch = count // size
        epoch, order = -1, torch.empty(0)
        for step in range(done, stage.steps):
            if step // per_epoch != epoch:
                epoch = step // per_epoch
                name = (stage.kind, stage.last, epoch)
                generator = torch.Generator().manual_seed(named_seed(self.seed, *name))
                order = torch.randperm(count, generator=generator).to(self.train.b.device)
            at = step % per_epoch * size
            yield step, order[at : at + size]


class _Caches:
    """Two pairs of caches: before the newest layer, and before the window of layers still moving.

    A pair is of the training and of the validation set.
    """

    def __init__(self, net: UnrolledNet, *sets: Samples) -> None:
        self._make = lambda: tuple(LayerInputs(net, samples.b) for samples in sets)
        self.newest, self.window = self._make(), self._make()
        self.newest_outdated = False

    def before(self, stage: Stage) -> Inputs:
        """Return the inputs of the stage's first layer; all layers before it must be final."""
        if stage.kind == "final":
            self.newest = self.window = self._make()
            return self.window
        window = stage.kind == "window"
        if self.newest_outdated and not window:
            for newest, other in zip(self.newest, self.window, strict=True):
                newest.copy_from(other)
        self.newest_outdated = window
        chosen = self.window if window else self.newest
        for cache in chosen:
            cache.move_to(stage.first)
        return chosen


def _decibel(ratio: float) -> float:
    return 10.0 * math.log10(ratio) if ratio > 0 and math.isfinite(ratio) else math.nan
