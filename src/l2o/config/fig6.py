"""Parameters of Figure 6: LASSO instances, methods and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from l2o.config.loading import read_yaml, unknown_key, validated
from l2o.config.meta_training import MetaTraining
from l2o.config.sections import (
    Hyperparameters,
    Section,
    Size,
    Sizes,
    check_hyperparameters,
    check_overrides,
    check_samples,
    overridden,
)
from l2o.config.training import Training
from l2o.errors import InputError

Positive = Annotated[FiniteFloat, Field(gt=0)]


class Setting(Section):
    """One panel of the figure."""

    title: str


class Preset(Section):
    """Sizes and budgets; presets never change code."""

    note: str
    sizes: dict[str, tuple[Size, Size]]
    samples: Sizes
    starts: int = Field(ge=1, le=1000)
    depth: int = Field(ge=1, le=100)
    training: Training
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)
    meta_training: MetaTraining
    meta_overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Fig6(Section):
    """The parameter file of Figure 6."""

    seed: int = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]
    compute_threads: int = Field(ge=1, le=256)
    density: Positive = Field(le=1)
    lam: Positive
    iterations: int = Field(ge=1)
    start_scale: FiniteFloat = Field(ge=0)
    settings: dict[str, Setting]
    first_order: dict[str, Hyperparameters]
    classical: dict[str, Hyperparameters]
    as_drawn: dict[str, Hyperparameters]
    as_drawn_shift: dict[str, int]
    unrolled: dict[str, Hyperparameters]
    continued_with: Literal["ista", "fista"]
    recurrent: dict[str, Hyperparameters]
    teacher: dict[str, Hyperparameters] = Field(min_length=1, max_length=1)
    published_curves: Path
    published_optimum_iterations: int = Field(ge=1)
    presets: dict[Literal["smoke", "laptop", "paper"], Preset]

    def training(self, preset: str, setting: str, method: str) -> Training:
        """Return the budget of one unrolled net: the preset's, then its overrides."""
        chosen = self.presets[preset]
        return overridden(chosen.training, chosen.overrides, setting, method)

    def meta_training(self, preset: str, setting: str, method: str) -> MetaTraining:
        """Return the budget of one recurrent optimizer: the preset's, then its overrides."""
        chosen = self.presets[preset]
        return overridden(chosen.meta_training, chosen.meta_overrides, setting, method)


def load_fig6(path: str | Path, methods: dict[str, dict[str, set[str]]]) -> Fig6:
    """Read and check the parameter file.

    Parameters
    ----------
    path : the YAML file
    methods : for each kind the known methods and the names of their hyperparameters

    Raises
    ------
    InputError : one line with file, key, value and what is allowed.
    """
    experiment = validated(Fig6, read_yaml(path), path)
    for kind in ("first_order", "classical", "unrolled", "recurrent"):
        check_hyperparameters(path, kind, getattr(experiment, kind), methods[kind])
    check_hyperparameters(path, "teacher", experiment.teacher, methods["first_order"])
    both = methods["first_order"] | methods["classical"]
    main = {**experiment.first_order, **experiment.classical}
    check_hyperparameters(path, "as_drawn", experiment.as_drawn, {n: both[n] for n in main})
    for name in experiment.as_drawn_shift:
        if name not in experiment.as_drawn:
            raise unknown_key(path, f"as_drawn_shift.{name}", list(experiment.as_drawn))
    for name, preset in experiment.presets.items():
        _check_preset(path, experiment, name, preset)
    return experiment


def _check_preset(path: str | Path, experiment: Fig6, name: str, preset: Preset) -> None:
    prefix = f"presets.{name}"
    for setting in preset.sizes:
        if setting not in experiment.settings:
            raise unknown_key(path, f"{prefix}.sizes.{setting}", list(experiment.settings))
    for setting in experiment.settings:
        if setting not in preset.sizes:
            place = f"{prefix}.sizes.{setting}"
            raise InputError(path, place, "this key is missing", "give its size [m, n]")
    for place, budget, overrides, nets in (
        ("overrides", preset.training, preset.overrides, experiment.unrolled),
        ("meta_overrides", preset.meta_training, preset.meta_overrides, experiment.recurrent),
    ):
        parts = (budget, overrides, experiment.settings, nets)
        check_overrides(path, f"{prefix}.{place}", *parts)
    train = preset.samples.train
    for place, override in preset.overrides.items():
        used = override.get("samples", 1)
        check_samples(path, f"{prefix}.overrides.{place}.samples", used, train)
    check_samples(path, f"{prefix}.training.samples", preset.training.samples, train)
