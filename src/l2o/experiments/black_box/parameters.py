"""Parameters of black-box functions: which ones, how many queries, and how nets are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.nearest import unknown_key
from l2o.config.search_training import SearchTraining
from l2o.config.sections import check_overrides, overridden
from l2o.config.values import Count, Name, Positive, Section
from l2o.errors import InputError
from l2o.variants import MAIN

DRAWS = "draws"
DIMENSIONS = {"branin": 2, "rastrigin": 2, "hartmann3": 3, "hartmann6": 6}


class Setting(experiment.Setting):
    """Functions to search, and the draws that nets are trained on for them."""

    function: Literal[(DRAWS, *DIMENSIONS)]
    dimension: int | None = Field(None, ge=1, le=100, description="of draws; else the function's")
    lengthscales: tuple[Positive, Positive] | None = Field(
        None, description="lowest and highest one of draws, in units of the box"
    )
    trained_on: Name | None = Field(None, description="whose trained nets are used")

    @property
    def unknowns(self) -> int:
        """The dimension d."""
        return self.dimension or DIMENSIONS.get(self.function, 0)


class Oracle(Section):
    """How minima are looked for."""

    points: Count = Field(le=10**7, description="of a Sobol sequence")
    starts: Count = Field(le=1000, description="of them from which descents begin")


class Preset(experiment.Preset):
    """Sizes and budgets."""

    runs: int = Field(ge=1, le=100_000)
    evaluations: int = Field(ge=2, le=100_000, description="queries of a run")
    features: int = Field(ge=1, le=100_000, description="cosines of a held-out draw")
    oracle: Oracle
    search_training: SearchTraining
    search_overrides: dict[str, dict] = Field(default_factory=dict)


class Parameters(experiment.ExperimentParameters):
    """The parameter file of black-box functions."""

    kinds = ("black_box", "learned_black_box")

    marks: tuple[Count, ...] = Field(min_length=1, description="queries after which tables look")
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    def budget(self, preset: str, setting: str, method: str, variant: str = MAIN) -> SearchTraining:
        """Return the budget of one training: the preset's, then its overrides."""
        chosen = self.presets[preset]
        return overridden(chosen.search_training, chosen.search_overrides, setting, method)

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        super().check(path, known)
        if list(self.marks) != sorted({*self.marks}):
            raise InputError(path, "marks", "are not in ascending order", "sort them")
        for name, hyper in self.learned_black_box.items():
            if "dimension" in hyper:
                place = f"learned_black_box.{name}.dimension"
                raise InputError(path, place, "is that of the setting", "drop it")
        for name, setting in self.settings.items():
            place, scales = f"settings.{name}", setting.lengthscales
            if (setting.dimension is None) == (setting.function == DRAWS):
                problem = "is missing" if setting.function == DRAWS else "is that of the function"
                raise InputError(path, f"{place}.dimension", problem, "give it for draws alone")
            if scales is None and (setting.function == DRAWS or self.home(name) == name):
                problem = "is missing, and nets are trained or tested on draws here"
                raise InputError(path, f"{place}.lengthscales", problem, "give both ends")
            if scales is not None and scales[0] > scales[1]:
                problem = f"{scales[0]:g} is above {scales[1]:g}"
                raise InputError(path, f"{place}.lengthscales", problem, "give the lower end first")
            self._check_home(path, f"{place}.trained_on", setting)

    def _check_home(self, path: str | Path, place: str, setting: Setting) -> None:
        other = setting.trained_on
        if other is None:
            return
        if other not in self.training_settings:
            raise unknown_key(path, f"{place}.{other}", self.training_settings)
        if (there := self.settings[other].unknowns) != setting.unknowns:
            problem = f"{other} has {there} unknowns, not {setting.unknowns}"
            raise InputError(path, place, problem, "give a setting with as many")

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        given = preset.search_training, preset.search_overrides
        nets = self.training_settings, self.learned_black_box
        check_overrides(path, f"{prefix}.search_overrides", *given, *nets)
        if preset.oracle.starts > preset.oracle.points:
            problem = f"is {preset.oracle.starts}, more than the {preset.oracle.points} points"
            raise InputError(path, f"{prefix}.oracle.starts", problem, "lower it")
