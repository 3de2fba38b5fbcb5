"""The command that meta-trains on the Rastrigin family."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known
from l2o.commands.training import train_recurrent
from l2o.provenance import Step
from l2o.steps.fig7 import Fig7Steps


def train(
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
    params: Path,
    preset: str,
) -> None:
    """Meta-train an optimizer, or go on with the meta-training in ``state``."""
    steps = Fig7Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    check_known(params, "recurrent", method, steps.learned)
    step = steps.training(setting, method)
    work = partial(_train, steps, step, setting, method, data, outputs, state)
    produce(step, outputs, {data: steps.optimizee_set(setting)}, work)


def _train(
    steps: Fig7Steps,
    step: Step,
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
) -> None:
    import torch

    from l2o.evaluation.rastrigin import load_rastrigin
    from l2o.optimizees.rastrigin import RastriginFamily

    alpha = steps.experiment.alpha

    def family(split: str, device: torch.device) -> RastriginFamily:
        f = load_rastrigin(data, split, alpha).to(torch.float32).to(device)
        return RastriginFamily(f.A, f.b, f.c, alpha)

    train_recurrent(steps, step, setting, method, family, {"alpha": alpha}, outputs, state)
