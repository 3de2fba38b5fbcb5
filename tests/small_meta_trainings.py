"""Meta-trainings of a second: quadratics, a trainer on them, and what tells two results apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from l2o.config.meta_training import MetaTraining
from l2o.optimizers.recurrent.l2o_dm import L2oDm
from l2o.optimizers.recurrent.l2o_rnnprop import L2oRnnProp
from l2o.training.meta import MetaTrainer
from l2o.training.state import MetaState

BUDGET = {
    "epochs": 6,
    "batch_size": 8,
    "unroll": 5,
    "horizons": (10, 20),
    "rate": 5e-3,
    "clip": 1.0,
    "start_scale": 1.0,
    "scaling": 0.0,
    "convex": 0.0,
    "imitation": 0.0,
    "imitation_share": 0.0,
    "validate_every": 2,
    "validation_samples": 24,
    "validation_steps": 20,
}


@dataclass(frozen=True)
class Quadratics:
    """0.5 sum_i w_i (x_i - t_i)^2 with w, t of shape (batch, n)."""

    w: Tensor
    t: Tensor

    def objective(self, x: Tensor) -> Tensor:
        return 0.5 * (self.w * (x - self.t).square()).sum(dim=1)

    def meta_loss(self, x: Tensor) -> Tensor:
        return self.objective(x).mean()

    def gradient(self, x: Tensor) -> Tensor:
        return self.w * (x - self.t)


class Family:
    """Quadratics; of the batches, those numbered in ``broken`` give NaN."""

    def __init__(self, count: int = 40, n: int = 6, broken: tuple[int, ...] = ()) -> None:
        generator = torch.Generator().manual_seed(3)
        self.w = 0.1 + torch.rand(count, n, generator=generator)
        self.t = torch.randn(count, n, generator=generator)
        self.dimension, self.broken, self.drawn = n, broken, 0

    def __len__(self) -> int:
        return len(self.w)

    def batch(self, index: Tensor) -> Quadratics:
        self.drawn += 1
        factor = math.nan if self.drawn - 1 in self.broken else 1.0
        return Quadratics(factor * self.w[index], self.t[index])


def trainer(
    path: Path, kind=L2oRnnProp, family=None, teacher=None, report=None, **changes
) -> MetaTrainer:
    optimizer = kind({"hidden": 8} if kind is L2oDm else {}, torch.Generator().manual_seed(0))
    budget = MetaTraining(**{**BUDGET, **changes})
    state = MetaState(path / "state.safetensors", "key", optimizer)
    given = family or Family()
    return MetaTrainer(
        optimizer, given, Family(24), budget, 7, state, report or (lambda row: None), teacher
    )


def weights(made: MetaTrainer) -> dict[str, bytes]:
    return {name: w.numpy().tobytes() for name, w in made.optimizer.state_dict().items()}


class StoppedError(Exception):
    pass


class Stream(Quadratics):
    """Quadratics of which each gradient is of another one, as of minibatches."""

    def __init__(self, w: Tensor, t: Tensor) -> None:
        super().__init__(w, t)
        object.__setattr__(self, "asked", [0])

    def gradient(self, x: Tensor) -> Tensor:
        self.asked[0] += 1
        return super().gradient(x) + 0.1 * self.asked[0]
