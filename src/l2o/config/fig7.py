"""Parameters of Figure 7: instances of the Rastrigin family, methods and presets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from l2o.config.loading import read_yaml, unknown_key, validated
from l2o.config.meta_training import MetaTraining
from l2o.config.sections import (
    Hyperparameters,
    NonNegative,
    Section,
    Size,
    Sizes,
    check_hyperparameters,
    check_overrides,
    overridden,
)
from l2o.errors import InputError

Positive = Annotated[FiniteFloat, Field(gt=0)]
Grid = dict[str, Annotated[tuple[NonNegative, ...], Field(min_length=1)]]
KINDS = ("first_order", "population", "recurrent")


class Setting(Section):
    """One column of the figure."""

    title: str


class Oracle(Section):
    """How Run-and-Inspect looks for the minimum of each test instance."""

    radius: Positive
    points: int = Field(ge=4, description="samples of an inspection")
    starts: int = Field(ge=1, description="runs of each instance")
    grid: bool = Field(description="whether an exhaustive grid checks it (n = 2 only)")


class Preset(Section):
    """Sizes and budgets; presets never change code."""

    note: str
    sizes: dict[str, Size]
    samples: Sizes
    starts: int = Field(ge=1, le=1000)
    oracle: dict[str, Oracle]
    meta_training: MetaTraining
    meta_overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Fig7(Section):
    """The parameter file of Figure 7."""

    seed: int = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]
    compute_threads: int = Field(ge=1, le=256)
    alpha: Positive
    iterations: int = Field(ge=1)
    start_scale: Positive
    settings: dict[str, Setting]
    first_order: dict[str, Hyperparameters]
    grid: dict[str, Grid]
    as_drawn: dict[str, Hyperparameters]
    population: dict[str, Hyperparameters]
    recurrent: dict[str, Hyperparameters]
    teacher: dict[str, Hyperparameters] = Field(min_length=1, max_length=1)
    published_curves: Path
    published_shift: int = Field(ge=0)
    published_instances: int = Field(ge=2)
    presets: dict[Literal["smoke", "laptop", "paper"], Preset]

    def meta_training(self, preset: str, setting: str, method: str) -> MetaTraining:
        """Return the budget of one recurrent optimizer: the preset's, then its overrides."""
        chosen = self.presets[preset]
        return overridden(chosen.meta_training, chosen.meta_overrides, setting, method)


def load_fig7(path: str | Path, methods: dict[str, dict[str, set[str]]]) -> Fig7:
    """Read and check the parameter file.

    Parameters
    ----------
    path : the YAML file
    methods : for each kind the known methods and the names of their hyperparameters

    Raises
    ------
    InputError : one line with file, key, value and what is allowed.
    """
    experiment = validated(Fig7, read_yaml(path), path)
    for kind in KINDS:
        check_hyperparameters(path, kind, getattr(experiment, kind), methods[kind])
    check_hyperparameters(path, "teacher", experiment.teacher, methods["first_order"])
    ours = {name: methods["first_order"][name] for name in experiment.first_order}
    check_hyperparameters(path, "as_drawn", experiment.as_drawn, ours)
    check_grids(path, experiment.grid, ours)
    for name, preset in experiment.presets.items():
        _check_preset(path, experiment, name, preset)
    return experiment


def check_grids(path: str | Path, grids: Mapping[str, Grid], known: Mapping[str, set[str]]) -> None:
    """Check the values that a search tries, by method; errors as :func:`check_hyperparameters`."""
    for name, grid in grids.items():
        for values in zip(*_padded(grid), strict=True):
            given = {name: dict(zip(grid, values, strict=True))}
            check_hyperparameters(path, "grid", given, known)


def _padded(grid: Grid) -> list[tuple[float, ...]]:
    """Return the values of each hyperparameter, all lists as long as the longest."""
    length = max(map(len, grid.values()), default=0)
    return [values + values[-1:] * (length - len(values)) for values in grid.values()]


def _check_preset(path: str | Path, experiment: Fig7, name: str, preset: Preset) -> None:
    prefix = f"presets.{name}"
    for section in ("sizes", "oracle"):
        given = getattr(preset, section)
        for setting in given:
            if setting not in experiment.settings:
                place = f"{prefix}.{section}.{setting}"
                raise unknown_key(path, place, list(experiment.settings))
        for setting in experiment.settings:
            if setting not in given:
                place = f"{prefix}.{section}.{setting}"
                raise InputError(path, place, "this key is missing", "give it for every setting")
    for setting, oracle in preset.oracle.items():
        if oracle.grid and preset.sizes[setting] != 2:
            problem = f"is true, but n = {preset.sizes[setting]}"
            raise InputError(path, f"{prefix}.oracle.{setting}.grid", problem, "a grid needs n = 2")
    parts = (preset.meta_training, preset.meta_overrides, experiment.settings, experiment.recurrent)
    check_overrides(path, f"{prefix}.meta_overrides", *parts)
