"""Parameters of small regressions beside those of any family."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.meta_training import MetaTraining
from l2o.config.policy_training import PolicyTraining
from l2o.config.sections import check_overrides, overridden
from l2o.config.values import Count, Name, Positive
from l2o.errors import InputError
from l2o.experiments import family
from l2o.variants import MAIN

OF_PROBLEM = {  # hyperparameters of policies that follow from the problem
    "dimension": "the preset's `sizes`",
    "scale": "the setting's `scale`",
    "rate": "the best of `begin_rates`",
}


class Setting(experiment.Setting):
    """A family of problems, and the unit in which policies see it."""

    problem: Literal["quadratic", "logistic", "robust"]
    scale: Positive = Field(description="by which gradients and changes of f are divided")


class Preset(family.Preset):
    """Sizes and budgets."""

    minimum_starts: Count = Field(le=10_000, description="descents of each test problem")
    policy_training: PolicyTraining
    policy_overrides: dict[str, dict] = Field(default_factory=dict)


class Parameters(family.Parameters):
    """The parameter file of small regressions."""

    kinds = ("first_order", "recurrent", "policies")

    horizon: Count
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    def budget(
        self, preset: str, setting: str, method: str, variant: str = MAIN
    ) -> MetaTraining | PolicyTraining:
        """Return the budget of one training: the preset's, then its overrides."""
        if method not in self.policies:
            return super().budget(preset, setting, method, variant)
        chosen = self.presets[preset]
        return overridden(chosen.policy_training, chosen.policy_overrides, setting, method)

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        super().check(path, known)
        if self.horizon > self.iterations:
            problem = f"is {self.horizon}, more than the {self.iterations} iterations"
            raise InputError(path, "horizon", problem, "lower it")
        for method, hyper in self.policies.items():
            for name in hyper:
                if name in OF_PROBLEM:
                    problem, remedy = f"is that of {OF_PROBLEM[name]}", "drop it"
                    raise InputError(path, f"policies.{method}.{name}", problem, remedy)

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        given = preset.policy_training, preset.policy_overrides
        nets = self.training_settings, self.policies
        check_overrides(path, f"{prefix}.policy_overrides", *given, *nets)
