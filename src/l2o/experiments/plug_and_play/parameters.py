"""Parameters of plug-and-play restoration: problems, methods, denoisers, and their training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from l2o.config import experiment
from l2o.config.denoising import DenoiserTraining
from l2o.config.imaging import ImagingLaw
from l2o.config.sections import Methods, check_hyperparameters, check_overrides, overridden
from l2o.config.values import Count, Name, Section
from l2o.datasets.picture_source import Wanted
from l2o.errors import InputError
from l2o.optimizers.registry import methods

HOME = "denoising"  # the setting of all trainings


class Setting(experiment.Setting, ImagingLaw):
    """An inverse problem."""


class Sides(Section):
    """Pictures of a set: their middles."""

    count: Count = Field(description="the first ones, at most")
    side: int = Field(ge=16, le=4096, description="pixels")


class Preset(experiment.Preset):
    """Sizes and budgets."""

    pictures: Wanted
    validation: Sides
    test: Sides
    iterations: int = Field(ge=2, le=10**5)
    denoising: DenoiserTraining
    denoising_overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Parameters(experiment.ExperimentParameters):
    """The parameter file of plug-and-play restoration."""

    kinds = ("plug_and_play",)

    learned: Methods = Field(description="denoisers that are trained, with hyperparameters")
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    @property
    def training_settings(self) -> list[str]:
        """Where denoisers are trained: once for all settings."""
        return [HOME]

    def denoiser_budget(self, preset: str, denoiser: str) -> DenoiserTraining:
        """Return the budget of the training of a denoiser."""
        chosen = self.presets[preset]
        return overridden(chosen.denoising, chosen.denoising_overrides, HOME, denoiser)

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        check_hyperparameters(path, "learned", self.learned, known["denoisers"])
        super().check(path, known)
        if HOME in self.settings:
            problem, place = "is where denoisers are trained", f"settings.{HOME}"
            raise InputError(path, place, problem, "give it another name")
        for name, setting in self.settings.items():
            setting.check(path, f"settings.{name}")
            if setting.targets:
                problem, place = "are values to get below, and PSNR goes up", "targets"
                raise InputError(path, f"settings.{name}.{place}", problem, "drop them")
        for name in self.plug_and_play:
            wanted = methods("plug_and_play")[name].denoiser
            if wanted and wanted not in self.learned:
                problem = f"runs with the denoiser {wanted}, which is not under `learned`"
                raise InputError(path, f"plug_and_play.{name}", problem, "list it there")

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        given = preset.denoising, preset.denoising_overrides, [HOME], self.learned
        check_overrides(path, f"{prefix}.denoising_overrides", *given)
