"""The command that meta-trains with an unroll length."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.commands.common import check_known
from l2o.commands.fig8.training import train_on_network
from l2o.steps.fig3 import Fig3Steps


def train(
    setting: str,
    method: str,
    data: Path,
    outputs: dict[str, Path],
    state: Path,
    params: Path,
    preset: str,
) -> None:
    """Meta-train with the length of a setting, or go on with the meta-training in ``state``."""
    steps = Fig3Steps(params, preset)
    check_known(params, "settings", setting, list(steps.experiment.settings))
    check_known(params, "recurrent", method, steps.learned)
    step = steps.training(setting)
    work = partial(train_on_network, steps, step, setting, method, data, outputs, state)
    produce(step, outputs, {data: step.inputs["digits"]}, work)
