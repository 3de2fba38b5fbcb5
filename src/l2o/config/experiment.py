"""The parameter file of an experiment: what all have, and the sections that some have.

An experiment's model adds what is its own, and names in ``kinds`` the kinds of method that it can
evaluate; a section of another kind is refused, since nothing would read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, Field, FiniteFloat

from l2o.config.loading import read_yaml, validated
from l2o.config.meta_training import MetaTraining
from l2o.config.nearest import unknown_key
from l2o.config.sections import (
    Grid,
    Intervals,
    Methods,
    check_grids,
    check_hyperparameters,
    check_overrides,
    check_samples,
    overridden,
)
from l2o.config.training import Training
from l2o.config.values import PRESETS, File, Name, PresetName, Section, Text
from l2o.errors import InputError
from l2o.kinds import KINDS, TRAINED
from l2o.variants import MAIN, PUBLISHED

Known = Mapping[str, Intervals]  # of hyperparameters, by kind and method


class Setting(Section):
    """One panel of the figure."""

    title: Text
    targets: tuple[FiniteFloat, ...] = Field(
        (), max_length=6, description="values to reach, the loosest first: performance profiles"
    )


class Preset(Section):
    """Sizes and budgets; presets never change code."""

    note: Text = Field(description="what the preset is, in words, for the foot of figures")
    left_out: tuple[Name, ...] = Field((), description="methods and settings that have no part")


class UnrolledBudget(Section):
    """Depth and training of unrolled nets, as part of a preset."""

    depth: int = Field(ge=1, le=100)
    training: Training
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class RecurrentBudget(Section):
    """Meta-training of recurrent optimizers, as part of a preset."""

    meta_training: MetaTraining
    meta_overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)
    published_training: MetaTraining | None = None
    published_overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class ExperimentParameters(Section):
    """The parameter file of an experiment."""

    kinds: ClassVar[tuple[str, ...]] = tuple(KINDS)
    bare: ClassVar[tuple[str, ...]] = ()  # kinds whose hyperparameters the problem gives

    seed: int = Field(ge=0, description="root of all named random streams")
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    compute_threads: int = Field(1, ge=1, le=256)
    settings: dict[Name, Setting] = Field(min_length=1)
    first_order: Methods = Field(default_factory=dict)
    classical: Methods = Field(default_factory=dict)
    population: Methods = Field(default_factory=dict)
    unrolled: Methods = Field(default_factory=dict)
    recurrent: Methods = Field(default_factory=dict)
    learned_proximal: Methods = Field(default_factory=dict)
    published_recipe: Methods = Field(default_factory=dict)
    minimax: Methods = Field(default_factory=dict)
    learned_minimax: Methods = Field(default_factory=dict)
    policies: Methods = Field(default_factory=dict)
    sensing: Methods = Field(default_factory=dict)
    sensing_nets: Methods = Field(default_factory=dict)
    denoisers: Methods = Field(default_factory=dict)
    plug_and_play: Methods = Field(default_factory=dict)
    black_box: Methods = Field(default_factory=dict)
    learned_black_box: Methods = Field(default_factory=dict)
    symbolic: Methods = Field(default_factory=dict)
    grid: dict[str, Grid] = Field(default_factory=dict)
    as_drawn: Methods = Field(default_factory=dict)
    as_drawn_shift: dict[str, Annotated[int, Field(ge=0, le=10**9)]] = Field(default_factory=dict)
    teacher: Methods = Field(default_factory=dict, max_length=1)
    published_curves: File | None = None
    presets: dict[PresetName, Preset]

    def of(self, preset: Preset) -> Self:
        """Return these parameters without the settings that a preset leaves out."""
        kept = {name: one for name, one in self.settings.items() if name not in preset.left_out}
        return self.model_copy(update={"settings": kept})

    def methods(self) -> dict[str, str]:
        """Return the kind of every method that takes part, in the order of the file's kinds."""
        return {name: kind for kind in self.kinds for name in getattr(self, kind)}

    @property
    def meta_trained(self) -> Methods:
        """The methods that are meta-trained."""
        return {**self.recurrent, **self.learned_proximal, **self.learned_minimax}

    @property
    def targets(self) -> dict[str, tuple[float, ...]]:
        """What runs are to reach, by setting, where something is given."""
        return {name: one.targets for name, one in self.settings.items() if one.targets}

    @property
    def training_settings(self) -> list[str]:
        """Settings that methods are trained on: those that do not name another one."""
        return [name for name in self.settings if self.home(name) == name]

    def home(self, setting: str) -> str:
        """Return the setting whose trained methods one has: its own, or its ``trained_on``."""
        return getattr(self.settings[setting], "trained_on", None) or setting

    def budget(
        self, preset: str, setting: str, method: str, variant: str = MAIN
    ) -> Training | MetaTraining:
        """Return the budget of one training: the preset's, then its overrides."""
        chosen = self.presets[preset]
        if method in self.unrolled:
            return overridden(chosen.training, chosen.overrides, setting, method)
        if variant == PUBLISHED:
            given = chosen.published_training, chosen.published_overrides
            return overridden(*given, setting, method)
        return overridden(chosen.meta_training, chosen.meta_overrides, setting, method)

    def check(self, path: str | Path, known: Known) -> None:
        """Check what types cannot say.

        Parameters
        ----------
        path : of the file
        known : intervals of the hyperparameters of all methods there are, by kind and method

        Raises
        ------
        InputError : one line with file, key, value and what is allowed.
        """
        self._check_methods(path, known)
        self._check_targets(path)
        for name, preset in self.presets.items():
            self.check_preset(path, f"presets.{name}", preset)

    def _check_methods(self, path: str | Path, known: Known) -> None:
        seen: set[str] = set()
        for kind in KINDS:
            section = getattr(self, kind)
            if section and kind not in self.kinds:
                problem = "methods of this kind cannot be evaluated here"
                raise InputError(path, kind, problem, f"valid are {', '.join(self.kinds)}")
            intervals = {name: {} for name in known[kind]} if kind in self.bare else known[kind]
            check_hyperparameters(path, kind, section, intervals)
            for name in section:
                if name in seen:
                    problem = "stands under two kinds"
                    raise InputError(path, f"{kind}.{name}", problem, "drop one of them")
                seen.add(name)
        check_hyperparameters(path, PUBLISHED, self.published_recipe, known["recurrent"])
        for name in self.published_recipe:
            if name not in self.recurrent:
                remedy = "list it there, or drop it here"
                raise InputError(path, f"{PUBLISHED}.{name}", "is not under `recurrent`", remedy)
        check_hyperparameters(path, "teacher", self.teacher, known["first_order"])
        own = {
            name: known[kind][name] for name, kind in self.methods().items() if kind not in TRAINED
        }
        check_hyperparameters(path, "as_drawn", self.as_drawn, own)
        check_grids(path, self.grid, own)
        for name in self.as_drawn_shift:
            if name not in self.as_drawn:
                raise unknown_key(path, f"as_drawn_shift.{name}", list(self.as_drawn))

    def _check_targets(self, path: str | Path) -> None:
        for name, values in self.targets.items():
            if list(values) != sorted(set(values), reverse=True):
                problem, place = "values are not in descending order", f"settings.{name}.targets"
                raise InputError(path, place, problem, "give the loosest one first")

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset, which lies at ``prefix`` in the file; errors as :meth:`check`."""
        for name in preset.left_out:
            if name not in (known := [*self.settings, *self.methods()]):
                raise unknown_key(path, f"{prefix}.left_out.{name}", known)
        if not {*self.settings} - {*preset.left_out}:
            raise InputError(path, f"{prefix}.left_out", "no setting is left", "keep one")
        published = getattr(preset, "published_training", None)
        if self.published_recipe and published is None:
            problem = f"this key is missing, and {PUBLISHED} names optimizers"
            raise InputError(path, f"{prefix}.published_training", problem, "give their budget")
        for place, name, nets in (
            ("training", "overrides", self.unrolled),
            ("meta_training", "meta_overrides", self.meta_trained),
            ("published_training", "published_overrides", self.published_recipe),
        ):
            budget = getattr(preset, place, None)
            if budget is not None:
                given = (budget, getattr(preset, name), self.training_settings, nets)
                check_overrides(path, f"{prefix}.{name}", *given)
        recipes = [*((name, MAIN, "meta_training") for name in self.meta_trained)]
        recipes += [(name, PUBLISHED, "published_training") for name in self.published_recipe]
        for (method, variant, place), setting in product(recipes, self.training_settings):
            budget = self.budget(prefix.rpartition(".")[2], setting, method, variant)
            self._check_recipe(path, f"{prefix}.{place}", budget, f"{method} on {setting}")
        if hasattr(preset, "training") and hasattr(preset, "samples"):
            train = preset.samples.train
            for place, override in preset.overrides.items():
                used = override.get("samples", 1)
                check_samples(path, f"{prefix}.overrides.{place}.samples", used, train)
            check_samples(path, f"{prefix}.training.samples", preset.training.samples, train)

    def _check_recipe(self, path: str | Path, prefix: str, budget: MetaTraining, who: str) -> None:
        if budget.imitation > 0 and not self.teacher:
            problem = f"{who} imitates an optimizer, and none is given"
            raise InputError(path, "teacher", problem, "name one, as `adam: {rate: 0.1}`")
        for horizon in budget.horizons:
            if horizon % budget.unroll:
                problem = f"{horizon} is no multiple of the {budget.unroll} steps of {who}"
                raise InputError(path, f"{prefix}.horizons", problem, "the rest would be left out")


Model = TypeVar("Model", bound=ExperimentParameters)


def load_parameters(model: type[Model], path: str | Path, known: Known) -> Model:
    """Read and check a parameter file.

    Raises
    ------
    InputError : one line with file, key, value and what is allowed.
    """
    parameters = validated(model, read_yaml(path), path)
    parameters.check(path, known)
    return parameters


def chosen_preset(parameters: BaseModel, path: str | Path, preset: str) -> Any:
    """Return the sizes and budgets of a preset.

    Raises
    ------
    InputError : there is no such preset, or the file lacks it.
    """
    if preset not in PRESETS:
        raise unknown_key("preset", preset, list(PRESETS))
    if preset not in parameters.presets:
        raise InputError(path, f"presets.{preset}", "this key is missing", "add the preset")
    return parameters.presets[preset]
