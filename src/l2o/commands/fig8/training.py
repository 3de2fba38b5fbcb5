"""The command that meta-trains on the training of a network."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known
from l2o.commands.training import train_recurrent
from l2o.provenance import Step
from l2o.steps.fig8 import Fig8Steps

INITIALISATIONS = 1_000_000  # runs there are to draw from; more than any budget takes


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
    steps = Fig8Steps(params, preset)
    check_known(params, "trained_on", setting, [steps.experiment.trained_on])
    check_known(params, "recurrent", method, steps.learned)
    step = steps.training(setting, method)
    work = partial(_train, steps, step, setting, method, data, outputs, state)
    produce(step, outputs, {data: step.inputs["digits"]}, work)


def _train(
    steps: Fig8Steps,
    step: Step,
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
) -> None:
    import torch

    from l2o.evaluation.networks import load_digits
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.networks import NETWORKS

    experiment, digits = steps.experiment, load_digits(data, "train")

    def family(split: str, device: torch.device) -> NetworkTrainingFamily:
        return NetworkTrainingFamily(
            *(NETWORKS[setting], digits.to(device), INITIALISATIONS, experiment.seed),
            *(f"meta-{split}", experiment.minibatch, method in experiment.log_loss),
        )

    train_recurrent(steps, step, setting, method, family, {}, outputs, state)
