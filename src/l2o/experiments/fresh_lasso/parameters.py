"""Parameters of LASSO with an A for each instance: what is drawn, and where nets come from."""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.nearest import unknown_key
from l2o.config.values import Count, Name, Positive, Section, Size
from l2o.datasets.picture_source import Wanted
from l2o.errors import InputError
from l2o.experiments import family

GAUSSIAN, PATCHES = "gaussian", "patches"


class Setting(experiment.Setting):
    """A law of instances."""

    law: Literal[(GAUSSIAN, PATCHES)]
    lam: Positive = Field(description="weight of the 1-norm")
    density: Positive | None = Field(None, le=1, description="share of non-zeros of a signal")
    trained_on: Name | None = Field(None, description="whose trained nets are used")


class Dictionary(Section):
    """How the dictionary of patches is learned."""

    patches: Count = Field(description="of the training pictures")
    iterations: Count
    weight: Positive = Field(description="of the 1-norm, for grey values from 0 to 1")


class Safeguards(Section):
    """Where safeguards are tried, and what Safe-L2O asks for."""

    settings: tuple[Name, ...] = Field(min_length=1)
    alpha: float = Field(ge=0, lt=1, description="how much smaller a residual has to be")
    theta: float = Field(gt=0, lt=1, description="of the schedules")


class Preset(family.Preset):
    """Sizes and budgets."""

    sizes: dict[Name, tuple[Size, Size]]
    pictures: Wanted
    dictionary: Dictionary
    safeguarded_iterations: Count


class Parameters(family.Parameters):
    """The parameter file of LASSO with an A for each instance."""

    kinds = ("first_order", "classical", "recurrent", "learned_proximal")
    bare = ("classical",)  # lam and L are those of the instances

    settings: dict[Name, Setting] = Field(min_length=1)
    safeguards: Safeguards
    presets: dict[experiment.PresetName, Preset]

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        for name, setting in self.settings.items():
            place, other = f"settings.{name}", setting.trained_on
            if (setting.density is None) == (setting.law == GAUSSIAN):
                problem = "is missing" if setting.density is None else "is for gaussian signals"
                raise InputError(path, f"{place}.density", problem, "give it for them alone")
            if other is not None and other not in self.training_settings:
                raise unknown_key(path, f"{place}.trained_on.{other}", self.training_settings)
            if setting.law == PATCHES and other is None:
                problem = "is missing, and nothing is trained on patches"
                raise InputError(path, f"{place}.trained_on", problem, "name a gaussian setting")
        for name in self.safeguards.settings:
            if name not in self.settings:
                raise unknown_key(path, f"safeguards.settings.{name}", list(self.settings))
        super().check(path, known)

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        for name, setting in self.settings.items():
            m, n = preset.sizes[name]
            if setting.law == PATCHES and isqrt(m) ** 2 != m:
                problem = f"{m} pixels are no square patch"
                raise InputError(path, f"{prefix}.sizes.{name}", problem, "give such as [64, 128]")
            if setting.law == GAUSSIAN and round(setting.density * n) < 1:
                problem = f"none of {n} entries is a non-zero"
                raise InputError(path, f"settings.{name}.density", problem, "raise it")
        for setting in self.training_settings:
            for method in self.learned_proximal:
                budget = self.budget(prefix.rpartition(".")[2], setting, method)
                for key, usual in (("scaling", 0), ("convex", 0), ("loss", "own")):
                    if getattr(budget, key) != usual:
                        place = f"{prefix}.meta_training.{key}"
                        problem = f"is not for {method}, which sees f in its parts"
                        raise InputError(path, place, problem, f"set it to {usual} there")
