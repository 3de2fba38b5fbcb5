"""Parameters of Figure 8: networks, optimizers and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from l2o.config.fig7 import Grid, Setting, check_grids
from l2o.config.loading import read_yaml, unknown_key, validated
from l2o.config.meta_training import MetaTraining
from l2o.config.sections import (
    Hyperparameters,
    Section,
    check_hyperparameters,
    check_overrides,
    overridden,
)

NETWORKS = ("mlp_sigmoid", "mlp_relu", "convnet")  # of l2o.optimizees.networks
KINDS = ("first_order", "recurrent")


class RateSearch(Section):
    """How rates are chosen: runs of their own, with the minibatches of another stream."""

    runs: int = Field(ge=1)
    iterations: int = Field(ge=1)


class Preset(Section):
    """Sizes and budgets; presets never change code."""

    note: str
    runs: int = Field(ge=1, le=1000, description="independent runs of the evaluation")
    iterations: int = Field(ge=1, description="of each run")
    monitored: int = Field(ge=1, le=60000, description="training images the loss is followed on")
    rate_search: RateSearch
    meta_training: MetaTraining
    meta_overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Fig8(Section):
    """The parameter file of Figure 8."""

    seed: int = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]
    compute_threads: int = Field(ge=1, le=256)
    minibatch: int = Field(ge=1, le=60000)
    trained_on: Literal[NETWORKS]
    settings: dict[Literal[NETWORKS], Setting]
    first_order: dict[str, Hyperparameters]
    grid: dict[str, Grid]
    recurrent: dict[str, Hyperparameters]
    log_loss: tuple[str, ...] = Field(description="optimizers trained on the log of the loss")
    teacher: dict[str, Hyperparameters] = Field(min_length=1, max_length=1)
    published_curves: Path
    presets: dict[Literal["smoke", "laptop", "paper"], Preset]

    def meta_training(self, preset: str, setting: str, method: str) -> MetaTraining:
        """Return the budget of one recurrent optimizer: the preset's, then its overrides."""
        chosen = self.presets[preset]
        return overridden(chosen.meta_training, chosen.meta_overrides, setting, method)


def load_fig8(path: str | Path, methods: dict[str, dict[str, set[str]]]) -> Fig8:
    """Read and check the parameter file.

    Parameters
    ----------
    path : the YAML file
    methods : for each kind the known methods and the names of their hyperparameters

    Raises
    ------
    InputError : one line with file, key, value and what is allowed.
    """
    experiment = validated(Fig8, read_yaml(path), path)
    for kind in KINDS:
        check_hyperparameters(path, kind, getattr(experiment, kind), methods[kind])
    check_hyperparameters(path, "teacher", experiment.teacher, methods["first_order"])
    for name in experiment.log_loss:
        if name not in experiment.recurrent:
            raise unknown_key(path, f"log_loss.{name}", list(experiment.recurrent))
    ours = {name: methods["first_order"][name] for name in experiment.first_order}
    check_grids(path, experiment.grid, ours)
    for name, preset in experiment.presets.items():
        parts = (preset.meta_training, preset.meta_overrides)
        check_overrides(
            *(path, f"presets.{name}.meta_overrides", *parts),
            *([experiment.trained_on], experiment.recurrent),
        )
    return experiment
