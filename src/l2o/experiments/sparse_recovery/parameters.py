"""Parameters of sparse recovery: settings, dictionaries, methods and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, FiniteFloat

from l2o.config import experiment
from l2o.config.nearest import unknown_key
from l2o.config.sections import Methods, Sizes
from l2o.config.training import STEPS, Training
from l2o.config.values import Count, File, Name, Positive, Section, Size
from l2o.errors import InputError
from l2o.variants import MAIN

LEARNED = "learned"  # the dictionary that is learned from image patches


class Setting(experiment.Setting):
    """One panel: which dictionary, how much noise."""

    dictionary: str
    snr_db: Annotated[FiniteFloat, Field(ge=-20, le=120)] | None
    steps: Positive = Field(1.0, le=1, description="factor on the steps of all trainings")


class Learning(Section):
    """How the coherent dictionary is learned from image patches."""

    patch_size: int = Field(ge=2, le=64)
    atoms: Size
    patches: Size
    remove_mean: bool
    sparsity_weight: Positive
    iterations: Count


class OtherDictionaries(Section):
    """Nets of a setting on other dictionaries than the one that they were trained for."""

    setting: Name
    methods: tuple[Name, ...] = Field(min_length=1, description="trained nets, and opponents")
    snr_db: Annotated[FiniteFloat, Field(ge=-20, le=120)] = Field(description="of A + noise")
    draws: Count = Field(le=1000, description="dictionaries of each kind")

    def named(self) -> list[tuple[str, str]]:
        """Return what must be known, with its key."""
        return [("setting", self.setting), *(("methods", name) for name in self.methods)]


class Preset(experiment.Preset, experiment.UnrolledBudget):
    """Sizes and budgets."""

    samples: Sizes
    gaussian: dict[Name, tuple[Size, Size]]
    opponent_iterations: Count


class Parameters(experiment.ExperimentParameters):
    """The parameter file of sparse recovery."""

    kinds = ("unrolled", "classical")

    density: Positive = Field(le=1)
    released_dictionary: File
    learning: Learning
    settings: dict[Name, Setting] = Field(min_length=1)
    other_dictionaries: OtherDictionaries | None = None
    as_drawn: Methods = Field({}, max_length=0, description="no evaluation here reads it")
    presets: dict[experiment.PresetName, Preset]

    def budget(self, preset: str, setting: str, method: str, variant: str = MAIN) -> Training:
        """Return the budget of one training, its steps by the setting's factor."""
        chosen = super().budget(preset, setting, method, variant)
        factor = self.settings[setting].steps
        steps = {name: round(factor * getattr(chosen, name)) for name in STEPS}
        return chosen.model_copy(update=steps)

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        if LEARNED in preset.gaussian:
            problem = "is the name of the dictionary that is learned from images"
            raise InputError(path, f"{prefix}.gaussian.{LEARNED}", problem, "choose another one")
        if preset.opponent_iterations < preset.depth:
            problem = f"{preset.opponent_iterations} are fewer than the nets' depth {preset.depth}"
            remedy = "follow classical methods at least as far"
            raise InputError(path, f"{prefix}.opponent_iterations", problem, remedy)
        for name, setting in self.settings.items():
            if setting.dictionary not in (known := [*preset.gaussian, LEARNED]):
                raise unknown_key(path, f"settings.{name}.dictionary.{setting.dictionary}", known)
        other = self.other_dictionaries
        known = {"setting": [*self.settings], "methods": [*self.methods()]}
        for key, name in other.named() if other else ():
            if name not in known[key]:
                raise unknown_key(path, f"other_dictionaries.{key}.{name}", known[key])
        super().check_preset(path, prefix, preset)
