"""Parameters of meta-gradients: estimators, the problem, what is measured, and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.meta_training import Estimator, MetaTraining
from l2o.config.sections import Methods
from l2o.config.values import Count, Name, Section
from l2o.errors import InputError
from l2o.variants import MAIN

METHOD = "l2o_dm"  # whose runs can be made many at once


class OfEstimator(experiment.Setting):
    """An estimator of the meta-gradient."""

    estimator: Estimator


class Measured(Section):
    """What bias and variance are measured with."""

    unrolls: tuple[Count, ...] = Field(min_length=1, description="lengths, in steps")
    estimates: int = Field(ge=3, le=10_000, description="of each estimator at each length")
    episodes: int = Field(ge=3, le=10_000, description="that the target is estimated from")


class Preset(experiment.Preset, experiment.RecurrentBudget):
    """Sizes and budgets."""

    measured: Measured
    runs: int = Field(ge=1, le=1000, description="independent runs of the evaluation")
    iterations: Count = Field(description="of each run")
    monitored: int = Field(ge=1, le=60_000, description="training images the loss is followed on")


class Parameters(experiment.ExperimentParameters):
    """The parameter file of meta-gradients."""

    kinds = ("recurrent",)

    side: Literal[7, 14, 28] = Field(description="pixels of a side, means of those of MNIST")
    units: int = Field(ge=1, le=1000, description="of the hidden layer of the network")
    minibatch: int = Field(ge=1, le=60_000, description="images of an iteration")
    settings: dict[Name, OfEstimator] = Field(min_length=1)
    recurrent: Methods = Field(min_length=1, max_length=1)
    presets: dict[experiment.PresetName, Preset]

    def budget(self, preset: str, setting: str, method: str, variant: str = MAIN) -> MetaTraining:
        """Return the budget of an estimator: as many inner gradients for all, up to an epoch.

        The epochs and validations of the file are those of backpropagation; an epoch of another one
        has several runs.
        """
        chosen = super().budget(preset, setting, method, variant)
        chosen = chosen.model_copy(update={"estimator": self.settings[setting].estimator})
        shares = {
            name: max(1, round(getattr(chosen, name) / chosen.runs))
            for name in ("epochs", "validate_every")
        }
        return chosen.model_copy(update=shares)

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        super().check(path, known)
        for name in self.recurrent:
            if name != METHOD:
                problem = "its meta-gradients are not measured here"
                raise InputError(path, f"recurrent.{name}", problem, f"give {METHOD}")

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        budget = preset.meta_training
        place = f"{prefix}.meta_training"
        if len(budget.horizons) > 1:
            problem = "has several: an episode of all estimators is as long"
            raise InputError(path, f"{place}.horizons", problem, "give one horizon")
        if (longest := max(preset.measured.unrolls)) > budget.horizons[0]:
            problem = f"{longest} is longer than the {budget.horizons[0]} steps of an episode"
            raise InputError(path, f"{prefix}.measured.unrolls", problem, "drop it")
        merging = any(one.estimator == "merged" for one in self.settings.values())
        if merging and budget.pairs < 2:
            problem = "is 1, and merged estimators take their variances from two at least"
            raise InputError(path, f"{place}.pairs", problem, "give more")
