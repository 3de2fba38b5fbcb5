"""Parameters of minimax problems: what is played, and for how many gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, FiniteFloat

from l2o.config import experiment
from l2o.config.nearest import unknown_key
from l2o.config.sections import Sizes
from l2o.config.values import Name, NonNegative, Positive, Size
from l2o.errors import InputError

CLASSES = {  # of :mod:`l2o.optimizees.minimax`, by problem
    "saddle": "Saddle",
    "rotated": "Saddle",
    "seesaw": "Seesaw",
    "game": "Game",
    "singular_game": "SingularGame",
}
Range = tuple[NonNegative, Positive]


class Setting(experiment.Setting):
    """A problem, and the law of its instances."""

    problem: Literal[tuple(CLASSES)]
    size: Size = Field(2, description="unknowns of both players together")
    a: Range = Field((0.9, 1.0), description="a is uniform between the two")
    b: Range = Field((0.9, 1.0), description="b is uniform between the two")
    density: Positive = Field(1.0, le=1, description="P(A_ij != 0) of a game")
    shift: NonNegative = Field(0.0, le=1e6, description="x*, y* are uniform in [-shift, shift]")

    like: Name | None = Field(None, description="whose searched steps and trained nets are used")
    trained_on: Name | None = Field(None, description="whose trained nets are used")

    @property
    def convex_concave(self) -> bool:
        """Whether f is convex in x and concave in y."""
        return self.problem != "seesaw"


class Preset(experiment.Preset, experiment.RecurrentBudget):
    """Sizes and budgets."""

    sizes: dict[Name, Size] = Field(default_factory=dict, description="other than the settings'")
    samples: Sizes
    starts: int = Field(ge=1, le=1000)
    gradients: int = Field(ge=8, le=10**7, description="of a run")
    search_gradients: int = Field(ge=8, le=10**7, description="of a run of a search")


class Parameters(experiment.ExperimentParameters):
    """The parameter file of minimax problems."""

    kinds = ("minimax", "learned_minimax")

    start_scale: FiniteFloat = Field(ge=0, le=1e6)
    transferred: Name
    safeguarded: tuple[Name, ...] = Field(min_length=1)
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    @property
    def training_settings(self) -> list[str]:
        """Settings that methods are trained on: those that have nets of their own."""
        return [name for name in self.settings if self.trained_as(name) == name]

    def tuned_as(self, setting: str) -> str:
        """Return the setting whose searched steps are used in one."""
        return self.settings[setting].like or setting

    def trained_as(self, setting: str) -> str:
        """Return the setting whose trained nets are used in one."""
        return self.settings[setting].trained_on or self.tuned_as(setting)

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        if self.transferred not in self.training_settings:
            raise unknown_key(path, f"transferred.{self.transferred}", self.training_settings)
        for name in self.safeguarded:
            if name not in self.settings:
                raise unknown_key(path, f"safeguarded.{name}", list(self.settings))
            if not self.settings[name].convex_concave:
                problem = "is not convex-concave: no step is safe there"
                raise InputError(path, f"safeguarded.{name}", problem, "drop it")
        for name, setting in self.settings.items():
            for key, (low, high) in (("a", setting.a), ("b", setting.b)):
                if low > high:
                    place, problem = f"settings.{name}.{key}", f"{low:g} is above {high:g}"
                    raise InputError(path, place, problem, "give the lower end first")
            for key in ("like", "trained_on"):
                other = getattr(setting, key)
                if other is not None and other not in self.training_settings:
                    place = f"settings.{name}.{key}.{other}"
                    raise unknown_key(path, place, self.training_settings)
            if setting.problem == "singular_game" and setting.density == 1:
                place, problem = f"settings.{name}.density", "no matrix without zeros is singular"
                raise InputError(path, place, problem, "lower it")
        super().check(path, known)

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        for name in preset.sizes:
            if name not in self.settings:
                raise unknown_key(path, f"{prefix}.sizes.{name}", list(self.settings))
        for name, setting in self.settings.items():
            size, place = setting.size, f"settings.{name}.size"
            if name in preset.sizes:
                size, place = preset.sizes[name], f"{prefix}.sizes.{name}"
            if size % 2 or (size == 2 and setting.problem == "singular_game"):
                problem = f"{size} unknowns are not those of two players alike, or too few"
                raise InputError(
                    path, place, problem, "give an even number, of singular games above 2"
                )
            if size > 2 and "game" not in setting.problem:
                raise InputError(path, place, f"is {size}", "each player has one unknown here: 2")
        super().check_preset(path, prefix, preset)
        for setting in self.training_settings:
            for method in self.learned_minimax:
                budget = self.budget(prefix.rpartition(".")[2], setting, method)
                for key in ("scaling", "convex", "imitation"):
                    if getattr(budget, key):
                        place, problem = f"{prefix}.meta_training.{key}", "is for minimisation only"
                        raise InputError(path, place, problem, "set it to 0")
