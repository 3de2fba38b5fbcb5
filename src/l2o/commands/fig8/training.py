"""The command that meta-trains on the training of a network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

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
    work = partial(train_on_network, steps, step, setting, method, data, outputs, state)
    produce(step, outputs, {data: step.inputs["digits"]}, work)


def train_on_network(
    steps: Any,
    step: Step,
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
) -> None:
    """Meta-train on the training of the network that the parameters name ``trained_on``.

    Parameters
    ----------
    steps, step : of the figure, and of this training
    setting, method : which one it is
    data : the digits
    outputs, state : see :func:`l2o.commands.training.train_recurrent`
    """
    import torch

    from l2o.evaluation.networks import load_digits
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.networks import NETWORKS

    experiment, digits = steps.experiment, load_digits(data, "train")

    def family(split: str, device: torch.device) -> NetworkTrainingFamily:
        return NetworkTrainingFamily(
            *(NETWORKS[experiment.trained_on], digits.to(device), INITIALISATIONS, experiment.seed),
            *(f"meta-{split}", experiment.minibatch, step.parameters.get("logarithm", False)),
        )

    train_recurrent(steps, step, setting, method, family, {}, outputs, state)
