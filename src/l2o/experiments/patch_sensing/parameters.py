"""Parameters of the sensing of patches: ratios, how means are treated, sizes and budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.values import Count, File, Name, NonNegative, Positive, Section, Size
from l2o.datasets.picture_source import Wanted
from l2o.errors import InputError
from l2o.optimizees.patch_sensing import measurements


class Setting(experiment.Setting):
    """A ratio, and what becomes of the means."""

    ratio: Positive = Field(le=100, description="measurements, in percent of the pixels")
    mean: Literal["sensed", "known"] = Field(description="one of the measurements, or given")


class Patches(Section):
    """Patches that are cut out of the pictures for training and for validation."""

    train: Count
    validation: Count
    moments: Count = Field(description="for the linear estimate")


class Preset(experiment.Preset, experiment.UnrolledBudget):
    """Sizes and budgets."""

    samples: Patches
    solver_iterations: Count


class Parameters(experiment.ExperimentParameters):
    """The parameter file of the sensing of patches."""

    kinds = ("unrolled", "classical")

    pictures: Wanted
    patch_size: Size = Field(le=64)
    released_dictionary: File
    lasso_weight: NonNegative
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    def count(self, setting: str) -> int:
        """Return the number of measurements of a patch, the mean among them if it is sensed."""
        return measurements(self.settings[setting].ratio, self.patch_size**2)

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        super().check(path, known)
        for name, setting in self.settings.items():
            pixels, sensed = self.patch_size**2, setting.mean == "sensed"
            least, most = (2, pixels) if sensed else (1, pixels - 1)  # D knows no means
            if not least <= (count := self.count(name)) <= most:
                problem = f"{setting.ratio:g} % of {pixels} pixels are {count} measurements"
                remedy = f"give a ratio of {least} to {most} of them"
                raise InputError(path, f"settings.{name}.ratio", problem, remedy)
            if setting.targets:
                problem = "are values to get below, and PSNR goes up"
                raise InputError(path, f"settings.{name}.targets", problem, "drop them")
        for name in self.classical:
            if "lam" not in known["classical"][name]:
                problem = "has no weight `lam` of the 1-norm, and codes are not drawn here"
                raise InputError(path, f"classical.{name}", problem, "drop it")

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        if preset.solver_iterations < preset.depth:
            problem = f"{preset.solver_iterations} are fewer than the nets' depth {preset.depth}"
            remedy = "follow classical methods at least as far"
            raise InputError(path, f"{prefix}.solver_iterations", problem, remedy)
        super().check_preset(path, prefix, preset)
