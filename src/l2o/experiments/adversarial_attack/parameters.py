"""Parameters of adversarial attacks: who is attacked, how far, and for how many gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.classifier import ClassifierTraining
from l2o.config.nearest import unknown_key
from l2o.config.sections import Sizes
from l2o.config.values import Name, NonNegative, Positive, Section
from l2o.errors import InputError

FOR_MINIMA = ("scaling", "convex", "imitation")  # parts of meta-training that know no projection


class Setting(experiment.Setting):
    """A classifier, and how many gradients an attack gets."""

    victim: Literal["standard", "robust"]
    gradients: int = Field(ge=1, le=10**6)
    trained_on: Name | None = Field(None, description="whose classifier and learned attacks")


class Begin(Section):
    """What is tried of PGD with falling steps, as which a learned attack begins."""

    rate: tuple[Positive, ...] = Field(min_length=1, description="first step, of pixels")
    fall: tuple[NonNegative, ...] = Field(min_length=1, description="to the end, a logarithm")


class Victims(Section):
    """How the classifiers are trained."""

    standard: ClassifierTraining
    robust: ClassifierTraining


class Preset(experiment.Preset, experiment.RecurrentBudget):
    """Sizes and budgets."""

    samples: Sizes
    victims: Victims


class Parameters(experiment.ExperimentParameters):
    """The parameter file of adversarial attacks."""

    kinds = ("first_order", "recurrent")

    eps: Positive = Field(le=1, description="radius of the ball, of pixels from 0 to 1")
    start_scale: NonNegative = Field(le=1, description="standard deviation of the starts")
    begin: dict[Name, Begin] = Field(
        default_factory=dict, description="learned attacks that begin as a searched one"
    )
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        super().check(path, known)
        for name, setting in self.settings.items():
            if setting.targets:
                problem = "are values to get below, and an attack goes up"
                raise InputError(path, f"settings.{name}.targets", problem, "drop them")
            place, other = f"settings.{name}.trained_on", setting.trained_on
            if other is None:
                continue
            if other not in self.training_settings:
                raise unknown_key(path, f"{place}.{other}", self.training_settings)
            if self.settings[other].victim != setting.victim:
                problem = f"{other} is about the {self.settings[other].victim} classifier"
                raise InputError(path, place, problem, f"give one of the {setting.victim} one")
        for name in self.begin:
            if name not in self.recurrent:
                raise unknown_key(path, f"begin.{name}", list(self.recurrent))

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        for setting in self.training_settings:
            for method in self.recurrent:
                budget = self.budget(prefix.rpartition(".")[2], setting, method)
                for key in FOR_MINIMA:
                    if getattr(budget, key):
                        place, problem = f"{prefix}.meta_training.{key}", "is not for attacks"
                        raise InputError(path, place, problem, "set it to 0")
