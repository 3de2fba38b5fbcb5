"""Meta-training of recurrent optimizers, by truncations of unrolled optimization.

An epoch draws a batch of optimizees and start points and optimizes them to the epoch's horizon;
after every ``unroll`` inner steps the optimizer's weights take one Adam step, and the carried state
is cut from the graph. The meta-gradient is estimated as the budget says: by backpropagation, which
takes no derivative through the optimizee's gradient, or from runs at perturbed weights
(:mod:`l2o.training.estimators`). Where the budget says so, updates by evolution strategies follow,
on whole runs and with the loss at their end: for problems where another step leads to other
gradients, and that is what counts, as for leaving a local minimum.

Source: Andrychowicz et al. 2016; Lv et al. 2017 (scaling, convex terms); Chen et al. 2020
(curriculum of horizons, imitation of an analytic optimizer); Metz et al. 2019 (evolution
strategies).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Generator, Tensor

from l2o.config.meta_training import Evolution, MetaTraining
from l2o.optimizees.protocol import Convexified, Judged, Optimizee, OptimizeeFamily, Scaled
from l2o.optimizers.protocol import Optimizer, State, iterates
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.seeds import named_seed
from l2o.training.adam import Adam
from l2o.training.episodes import Draw, ModuleEpisode, end_loss, set_gradients
from l2o.training.estimators import KINDS
from l2o.training.state import MetaState

Report = Callable[[dict[str, Any]], None]
MOST_FAILURES = 5  # epochs in a row that diverged before the training is given up
VALIDATION_BATCH = 256
WORST = 1.0  # above the start's loss: what a run of evolution strategies counts at most


class MetaTrainer:
    """Trains one recurrent optimizer; interrupted anywhere, a second run ends with the same bytes.

    Parameters
    ----------
    optimizer : at its drawn weights
    train, validation : optimizees, on the optimizer's device
    budget : epochs, curriculum, augmentations
    seed : root of the named random streams; every epoch has its own
    state : where the training is kept between epochs
    report : called with each history row
    teacher : optimizer whose iterates are imitated, where the budget says so
    """

    def __init__(
        self,
        optimizer: RecurrentOptimizer,
        train: OptimizeeFamily,
        validation: OptimizeeFamily,
        budget: MetaTraining,
        seed: int,
        state: MetaState,
        report: Report,
        teacher: Optimizer | None = None,
    ) -> None:
        self.optimizer, self.train, self.validation = optimizer, train, validation
        self.budget, self.seed, self.state, self.report = budget, seed, state, report
        self.teacher = teacher
        self.like = next(optimizer.parameters())
        self.adam = Adam(optimizer.parameters())

    def run(self) -> MetaState:
        """Train it all; the net ends with the weights that were best on validation."""
        state = self.state
        state.resume(self.adam)
        if self.budget.start is not None and state.epoch == 0:
            state.keep_if_best(self._validate())  # no training ends behind its start
        while state.epoch < self.budget.rounds and state.failures < MOST_FAILURES:
            before = state.weights()
            evolving = state.epoch >= self.budget.epochs
            loss = (self._evolved if evolving else self._epoch)(state.epoch)
            sound = math.isfinite(loss)
            if not sound:
                self._recover(before)
            state.failures = 0 if sound else state.failures + 1
            state.epoch += 1
            value = self._validated()
            self._record(loss, value, sound)
            state.save(self.adam)
        self.optimizer.load_state_dict(state.best)
        self.optimizer.share = 1.0
        return state

    def _recover(self, weights: dict[str, Tensor]) -> None:
        """Return to the weights before an epoch that diverged, and go on more slowly."""
        self.optimizer.load_state_dict(weights)
        self.adam.state.clear()
        self.state.rate_factor *= 0.5

    def _record(self, loss: float, value: float, sound: bool) -> None:
        row = {
            "epoch": self.state.epoch,
            "meta_loss": loss,
            "validation_loss": value,
            "rate_factor": self.state.rate_factor,
            "status": "ok" if sound else "diverged",
        }
        self.state.history.append(row)
        self.report(row)

    def _epoch(self, epoch: int) -> float:
        """Run one epoch; return its mean meta-loss, NaN as soon as something is not finite."""
        budget = self.budget
        seed = named_seed(self.seed, "meta-training", epoch)
        share = epoch / budget.epochs
        horizon = budget.horizons[min(int(share * len(budget.horizons)), len(budget.horizons) - 1)]
        imitating = self.teacher is not None and share < budget.imitation_share
        teacher = self._teaching(seed) if imitating else None
        self.optimizer.share = share
        unrolls, total = max(1, horizon // budget.unroll), 0.0
        estimator = KINDS[budget.estimator](budget.sigma, budget.pairs)
        perturbing = torch.Generator().manual_seed(named_seed(self.seed, "moves", epoch))
        episode = self._episode(seed)
        for _ in range(unrolls):
            targets = None if teacher is None else [*islice(teacher, budget.unroll)]
            episode.window = partial(self._unroll, targets=targets)
            gradient, loss = estimator.estimate(episode, perturbing)
            set_gradients(self.adam.parameters, gradient)
            norm = torch.nn.utils.clip_grad_norm_(self.optimizer.parameters(), budget.clip)
            if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
                return math.nan
            self._step(budget.rate, share)
            total += loss.item()
        return total / unrolls

    def _episode(self, seed: int) -> ModuleEpisode:
        """Return the runs of an epoch at their starts."""
        draw = partial(self._drawn, seed, self.budget.batch_size)
        return ModuleEpisode(self.optimizer, draw, self.optimizer.init, self._unroll)

    def _step(self, highest: float, share: float) -> None:
        """Take a step of Adam; a cosine is over the share done of epochs or updates."""
        falling = self.budget.schedule == "cosine"
        factor = 0.5 * (1.0 + math.cos(math.pi * share)) if falling else 1.0
        rate = highest * factor * self.state.rate_factor
        self.adam.step(rate for _ in self.adam.parameters)

    def _evolved(self, epoch: int) -> float:
        """Take one meta-step by evolution strategies; return the mean loss of its runs."""
        budget, update = self.budget.evolution, epoch - self.budget.epochs
        if update == 0:
            self.adam.state.clear()
        seed = named_seed(self.seed, "evolution", update)
        draw = partial(self._drawn, seed, budget.batch_size)
        perturbing = torch.Generator().manual_seed(named_seed(self.seed, "perturbations", update))
        gradient, loss = whole_run_gradient(self.optimizer, draw, budget, perturbing)
        set_gradients(self.adam.parameters, gradient)
        self._step(budget.rate, update / budget.updates)
        return loss

    def _teaching(self, seed: int) -> Iterator[Tensor]:
        """Return the teacher's iterates, on an optimizee of its own: it may be stochastic."""
        return iterates(self.teacher, *self._drawn(seed, self.budget.batch_size))

    def _unroll(
        self, optimizee: Optimizee, state: State, targets: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, State]:
        """Return the mean loss over ``unroll`` inner steps and the state after them.

        ``targets`` are a teacher's iterates after the same steps.
        """
        loss = self.like.new_zeros(())
        for at in range(self.budget.unroll):
            state = self.optimizer.step(optimizee, state)
            loss = loss + self.optimizer.meta_loss(optimizee, state)
            if targets is not None:
                distance = (state[0] - targets[at]).square().sum(dim=1).mean()
                loss = loss + self.budget.imitation * distance
        return loss / self.budget.unroll, state

    def _drawn(self, seed: int, batch_size: int) -> tuple[Optimizee, Tensor]:
        """Draw optimizees, augmented as the budget says, and their start points."""
        budget, n = self.budget, self.train.dimension
        generator = torch.Generator().manual_seed(seed)
        size = min(batch_size, len(self.train))
        index = torch.randperm(len(self.train), generator=generator)[:size]
        optimizee = self._judged(self.train.batch(index.to(self.like.device)))

        def normal() -> Tensor:
            return torch.randn(size, n, generator=generator).to(self.like)

        x = budget.start_scale * normal()
        if budget.convex > 0:
            optimizee = Convexified(optimizee, normal(), budget.convex)
        if budget.scaling > 0:
            uniform = torch.rand(size, n, generator=generator).to(self.like)
            c = torch.exp(budget.scaling * (2.0 * uniform - 1.0))
            optimizee, x = Scaled(optimizee, c), x / c
        return optimizee, x

    def _judged(self, optimizee: Optimizee) -> Optimizee:
        """Return an optimizee with the loss of the budget."""
        loss = self.budget.loss
        return optimizee if loss == "own" else Judged(optimizee, loss == "logarithm")

    def _validated(self) -> float:
        """Return the validation loss where it is due, else NaN; keep the weights if best."""
        done = self.state.epoch
        if done % self.budget.validate_every and done < self.budget.rounds:
            return math.nan
        value = self._validate()
        self.state.keep_if_best(value if math.isfinite(value) else math.inf)
        return value

    @torch.no_grad()
    def _validate(self) -> float:
        """Return the mean meta-loss at the end of ``validation_steps`` inner steps."""
        count, total = min(self.budget.validation_samples, len(self.validation)), 0.0
        for at in range(0, count, VALIDATION_BATCH):
            index = torch.arange(at, min(at + VALIDATION_BATCH, count), device=self.like.device)
            optimizee = self._judged(self.validation.batch(index))
            seed = named_seed(self.seed, "meta-validation", at)
            start = torch.randn(
                len(index), self.validation.dimension, generator=torch.Generator().manual_seed(seed)
            )
            x = self.budget.start_scale * start.to(self.like)
            steps = self.budget.validation_steps, self.budget.validation_last
            total += len(index) * end_loss(self.optimizer, optimizee, x, *steps)
        return total / count


def whole_run_gradient(
    optimizer: RecurrentOptimizer, draw: Draw, budget: Evolution, generator: Generator
) -> tuple[Tensor, float]:
    """Return the meta-gradient of whole runs by evolution strategies, (P,), and their mean loss.

    L is the optimizee's meta-loss over the last iterates, at most :data:`WORST` above that of the
    start: its cost does not depend on the loss being smooth, and it grows with the horizon alone.

    Parameters
    ----------
    draw : returns the optimizees and their starts, (batch, n), the same in every call
    budget : pairs, horizon, last, sigma
    generator : draws the perturbations
    """

    def window(optimizee: Optimizee, state: State) -> tuple[Tensor, State]:
        loss = end_loss(optimizer, optimizee, state[0], budget.horizon, budget.last)
        loss = min(loss, worst) if loss == loss else worst
        return torch.tensor(loss, dtype=torch.float64), state

    episode = ModuleEpisode(optimizer, draw, lambda optimizee, x: (x,), window)
    with torch.no_grad():
        worst = float(episode.own.optimizee.meta_loss(episode.own.state[0])) + WORST
    estimator = KINDS["evolution"](budget.sigma, budget.pairs)
    sample = estimator.sampled(episode, generator)
    return estimator.combined(sample), float(sample.losses.mean())
