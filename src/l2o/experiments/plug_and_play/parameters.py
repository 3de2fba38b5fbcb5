"""Parameters of plug-and-play restoration: problems, methods, denoisers, and their training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.denoising import DenoiserTraining
from l2o.config.nearest import unknown_key
from l2o.config.sections import Methods, check_hyperparameters, check_overrides, overridden
from l2o.config.values import Count, Name, NonNegative, Positive, Section, Share
from l2o.datasets.picture_source import Wanted
from l2o.errors import InputError
from l2o.optimizers.registry import methods

HOME = "denoising"  # the setting of all trainings
FOURIER = ("fourier_random", "fourier_radial", "fourier_cartesian")
NEEDED = {  # what a problem is defined by, beside its noise
    **dict.fromkeys((*FOURIER, "inpainting"), ("share",)),
    "deblurring": ("blur_size", "blur_sigma"),
}


class Setting(experiment.Setting):
    """An inverse problem."""

    problem: Literal[tuple(NEEDED)]
    noise: NonNegative = Field(le=1, description="standard deviation, of pixels from 0 to 1")
    share: Share | None = Field(None, gt=0, description="of frequencies or pixels, that is known")
    blur_size: int | None = Field(None, ge=1, le=255, description="side of the blur, pixels, odd")
    blur_sigma: Positive | None = Field(None, description="its standard deviation, pixels")

    def law(self) -> dict[str, Any]:
        """Return what :func:`l2o.optimizees.imaging_draws.draw` is told."""
        return self.model_dump(exclude={"title", "targets"}, exclude_none=True)


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
            self._check_setting(path, f"settings.{name}", setting)
        for name in self.plug_and_play:
            wanted = methods("plug_and_play")[name].denoiser
            if wanted and wanted not in self.learned:
                problem = f"runs with the denoiser {wanted}, which is not under `learned`"
                raise InputError(path, f"plug_and_play.{name}", problem, "list it there")

    def _check_setting(self, path: str | Path, place: str, setting: Setting) -> None:
        if setting.targets:
            problem = "are values to get below, and PSNR goes up"
            raise InputError(path, f"{place}.targets", problem, "drop them")
        wanted = NEEDED[setting.problem]
        given = set(setting.law()) - {"problem", "noise"}
        for key in given - {*wanted}:
            raise unknown_key(path, f"{place}.{key}", ["problem", "noise", *wanted])
        for key in wanted:
            if key not in given:
                raise InputError(path, f"{place}.{key}", "this key is missing", "give it")
        if setting.blur_size is not None and setting.blur_size % 2 == 0:
            problem = f"is {setting.blur_size}: such a blur has no middle"
            raise InputError(path, f"{place}.blur_size", problem, "give an odd number")

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        given = preset.denoising, preset.denoising_overrides, [HOME], self.learned
        check_overrides(path, f"{prefix}.denoising_overrides", *given)
