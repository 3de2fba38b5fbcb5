"""Trainings of a fraction of a second, and their outcome to the bit."""

from __future__ import annotations

from pathlib import Path

import torch

from conftest import make_problem
from l2o.config.training import Training
from l2o.optimizers.registry import methods
from l2o.training.losses import RecoveryLoss
from l2o.training.progressive import ProgressiveTrainer, Samples
from l2o.training.search import Search
from l2o.training.unrolled import trainer_of

HEADS = methods("unrolled")
DEPTH = 3
PROBLEM = make_problem(160, 24, 48)


def make_net(name: str, depth: int = DEPTH) -> torch.nn.Module:
    return HEADS[name].load()(PROBLEM.tensors(torch.float32)[0], depth, {})


def make_trainer(
    name: str, state: Path, budget: Training, report=None, key="key", seed=5, scale=1.0, count=128
) -> ProgressiveTrainer | Search:
    """A trainer of a fresh net on up to 128 samples, which saves at every validation."""
    _, b, x = PROBLEM.tensors(torch.float32)
    sets = Samples(scale * b[:count], scale * x[:count]), Samples(b[128:], x[128:])
    report = report or (lambda stage, row: None)
    net = make_net(name)
    net.calibrate(sets[0].b)
    trainer = trainer_of(net, *sets, RecoveryLoss(), budget, seed, state, key, report)
    trainer.save_seconds = trainer.state.save_seconds = 0.0
    return trainer


def outcome(trainer: ProgressiveTrainer | Search) -> tuple[dict[str, bytes], list[dict]]:
    """Train; return the bits of all weights and the history."""
    history = trainer.run().history
    return {k: t.numpy().tobytes() for k, t in trainer.net.state_dict().items()}, history
