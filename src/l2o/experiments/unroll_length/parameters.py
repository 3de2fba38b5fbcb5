"""Parameters of unroll lengths: the lengths, the memory of unrolling, and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from l2o.config import experiment
from l2o.config.meta_training import MetaTraining
from l2o.config.networks import RunSizes, TrainedNetworks
from l2o.config.sections import Methods
from l2o.config.values import Count, Name, Section
from l2o.errors import InputError
from l2o.variants import MAIN

PIXELS, CLASSES = 784, 10


def _from_pixels_to_classes(widths: tuple[int, ...]) -> tuple[int, ...]:
    if widths[:1] != (PIXELS,) or widths[-1] != CLASSES:
        raise ValueError(f"widths should begin with {PIXELS} pixels and end with {CLASSES} classes")
    return widths


Width = Annotated[int, Field(ge=1, le=10**5)]
Widths = Annotated[tuple[Width, ...], AfterValidator(_from_pixels_to_classes)]


class Length(experiment.Setting):
    """One curve of the figure: inner steps between two meta-steps."""

    unroll: Count


class Memory(Section):
    """What is measured of the memory that an unroll takes, and the training of a large network."""

    unrolls: tuple[Count, ...] = Field(min_length=1, description="lengths, on the first network")
    networks: tuple[Widths, ...] = Field(min_length=1, description="widths of MLPs, at `unroll`")
    unroll: Count
    limit_gib: float = Field(gt=0, le=1e6, description="what would take more is estimated")
    large: Widths = Field(description="widths of the MLP that is trained through")
    large_unroll: Count
    meta_steps: Count = Field(description="of the training through the large MLP")


class Preset(experiment.Preset, experiment.RecurrentBudget, RunSizes):
    """Sizes and budgets."""

    memory: Memory


class Parameters(experiment.ExperimentParameters, TrainedNetworks):
    """The parameter file of unroll lengths."""

    kinds = ("recurrent",)

    settings: dict[Name, Length] = Field(min_length=1)
    recurrent: Methods = Field(min_length=1, max_length=1)
    presets: dict[experiment.PresetName, Preset]

    def budget(self, preset: str, setting: str, method: str, variant: str = MAIN) -> MetaTraining:
        """Return the budget of a length: the same inner steps for all, cut more or less often."""
        chosen = super().budget(preset, setting, method, variant)
        return chosen.model_copy(update={"unroll": self.settings[setting].unroll})

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        preset_name, (method,) = prefix.rpartition(".")[2], self.recurrent
        budgets = [self.budget(preset_name, setting, method) for setting in self.settings]
        horizons = sorted({horizon for budget in budgets for horizon in budget.horizons})
        if len(horizons) > 1:
            problem = f"are {', '.join(map(str, horizons))}: lengths are compared at one"
            place = f"{prefix}.meta_training.horizons"
            raise InputError(path, place, problem, "give one horizon")
