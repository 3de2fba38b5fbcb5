"""Parameters of the search for update rules: what is searched, and where the rules are tried."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.networks import RunSizes
from l2o.config.rule_training import Proxy, RuleTraining
from l2o.config.values import Count, Name, Positive
from l2o.errors import InputError
from l2o.variants import MAIN

HOME = "search"  # where rules are found, and rates of other methods: no panel of the figure
FOUND = ("steps", "rate")  # hyperparameters that follow from the run, and from the search


class Setting(experiment.Setting):
    """A network that no search has seen: an MLP with ReLU."""

    images: Literal["digits", "mnist"]
    hidden: tuple[Count, ...] = Field(min_length=1, description="units of its layers")
    minibatch: int = Field(ge=1, le=500, description="images of an iteration")


class Preset(experiment.Preset, RunSizes):
    """Sizes and budgets."""

    rule_training: RuleTraining


class Parameters(experiment.ExperimentParameters):
    """The parameter file of the search for update rules."""

    kinds = ("first_order", "symbolic")

    rates: tuple[Positive, ...] = Field(min_length=1, description="tried with every rule")
    proxy: Proxy
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    @property
    def training_settings(self) -> list[str]:
        """The one place where rules are searched for."""
        return [HOME]

    def budget(self, preset: str, setting: str, method: str, variant: str = MAIN) -> RuleTraining:
        """Return the budget of a search, which is the same for all."""
        return self.presets[preset].rule_training

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        super().check(path, known)
        for kind in self.kinds:
            for name, hyper in getattr(self, kind).items():
                for key in FOUND if kind == "symbolic" else FOUND[:1]:
                    if key in hyper:
                        problem = "lasts as long as a run" if key == "steps" else "is searched for"
                        raise InputError(path, f"{kind}.{name}.{key}", problem, "drop it")
        if HOME in self.settings:
            problem = "is where rules are searched for"
            raise InputError(path, f"settings.{HOME}", problem, "give it another name")

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        budget = preset.rule_training
        for small, large in (("population", "evaluations"), ("tournament", "population")):
            most, given = getattr(budget, large), getattr(budget, small)
            if given > most:
                problem = f"is {given}, more than the {most} of {large}"
                raise InputError(path, f"{prefix}.rule_training.{small}", problem, "lower it")
