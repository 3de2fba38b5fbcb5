"""Training of denoisers on noisy patches of pictures; interrupted, it goes on to the same bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.config.denoising import DenoiserTraining
from l2o.optimizers.denoiser import Denoiser
from l2o.seeds import named_generator
from l2o.training.adam import Adam
from l2o.training.state import MetaState

Pictures = Mapping[str, np.ndarray]
Cut = Callable[[Pictures, int, int, np.random.Generator], np.ndarray]
HISTORY = ("step", "loss", "validation_psnr", "status")
STREAM = "denoising"


class DenoiserTrainer:
    """Trains one denoiser.

    The loss is ||H(x + n) - x||^2 / 2, the mean over patches; Adam's rate falls as a cosine. After
    every ``report_every`` steps it is validated and kept on disk; the weights that were best on
    the validation patches are the result. A step that is not finite ends the training there.

    Source: Ryu et al. 2019, section 5.1.

    Parameters
    ----------
    denoiser : at its drawn weights
    pictures : for training and for ``validation``, names -> (height, width)
    cut : draws patches, see :func:`l2o.datasets.pictures.cut`
    budget : steps, patches, rate
    seed : root of the named random streams; every step has its own
    state : where the training is kept
    """

    def __init__(
        self,
        denoiser: Denoiser,
        pictures: Pictures,
        validation: Pictures,
        cut: Cut,
        budget: DenoiserTraining,
        seed: int,
        state: MetaState,
    ) -> None:
        self.denoiser, self.pictures, self.cut = denoiser, pictures, cut
        self.budget, self.seed, self.state = budget, seed, state
        self.adam = Adam(denoiser.parameters())
        self.device = next(denoiser.parameters()).device
        self.clean, self.noisy = self._drawn(validation, budget.validation_patches, "validation")

    def run(self) -> MetaState:
        """Train it; it ends with its best weights, in the form in which they are used."""
        state, budget = self.state, self.budget
        state.resume(self.adam)
        blocks = -(-budget.steps // budget.report_every)
        while state.epoch < blocks and not state.failures:
            first = state.epoch * budget.report_every
            loss = self._steps(range(first, min(first + budget.report_every, budget.steps)))
            state.epoch += 1
            psnr = self._validated()
            sound = math.isfinite(loss) and math.isfinite(psnr)
            state.failures = int(not sound)
            if sound:
                state.keep_if_best(-psnr)
            step = min(state.epoch * budget.report_every, budget.steps)
            row = {"step": step, "loss": loss, "validation_psnr": psnr}
            state.history.append(row | {"status": "ok" if sound else "diverged"})
            state.save(self.adam)
        self.denoiser.load_state_dict(state.best)
        self.denoiser.settle()
        return state

    def _steps(self, steps: range) -> float:
        """Take steps; return their mean loss, NaN as soon as one is not finite."""
        total, budget = 0.0, self.budget
        for step in steps:
            clean, noisy = self._drawn(self.pictures, budget.batch_size, step)
            loss = 0.5 * (self.denoiser(noisy) - clean).square().sum((1, 2)).mean()
            self.adam.zero_grad()
            loss.backward()
            parameters = [*self.denoiser.parameters()]
            norm = torch.nn.utils.clip_grad_norm_(parameters, self.budget.clip)
            if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
                return math.nan
            rate = 0.5 * budget.rate * (1 + math.cos(math.pi * step / budget.steps))
            self.adam.step(rate for _ in self.adam.parameters)
            total += loss.item()
        return total / len(steps)

    @torch.no_grad()
    def _validated(self) -> float:
        """Return the PSNR of all validation patches together, dB."""
        error = (self.denoiser(self.noisy) - self.clean).square().mean().item()
        return -10 * math.log10(error) if error > 0 and math.isfinite(error) else math.nan

    def _drawn(self, pictures: Pictures, count: int, name: str | int) -> tuple[Tensor, Tensor]:
        """Return patches without and with noise, the same for every denoiser of one noise."""
        random = named_generator(self.seed, STREAM, name)
        names = [*pictures]
        chosen = random.permutation(len(names))[:count]  # those that give patches
        some = {names[i]: pictures[names[i]] for i in chosen}
        clean = torch.from_numpy(self.cut(some, self.budget.patch, count, random))
        noise = torch.from_numpy(random.standard_normal(clean.shape, dtype=np.float32))
        noisy = clean + self.denoiser.noise * noise
        return clean.to(self.device), noisy.to(self.device)


def about(denoiser: Denoiser) -> dict[str, Any]:
    """Return what a checkpoint's record says of a trained denoiser."""
    return {"residual_bound": denoiser.residual_bound()}
