"""Parameters of Figure 5: settings, dictionaries, methods and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from l2o.config.loading import read_yaml, unknown_key, validated
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


class Setting(Section):
    """One panel: which dictionary, how much noise."""

    title: str
    dictionary: str
    snr_db: Annotated[FiniteFloat, Field(ge=-20, le=120)] | None


class Learning(Section):
    """How the coherent dictionary is learned from image patches."""

    patch_size: int = Field(ge=2, le=64)
    atoms: int = Field(ge=2)
    patches: int = Field(ge=2)
    remove_mean: bool
    sparsity_weight: FiniteFloat = Field(gt=0)
    iterations: int = Field(ge=1)


class Preset(Section):
    """Sizes and budgets; presets never change code."""

    note: str
    depth: int = Field(ge=1, le=100)
    samples: Sizes
    gaussian: dict[str, tuple[Size, Size]]
    training: Training
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Fig5(Section):
    """The parameter file of Figure 5."""

    seed: int = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]
    compute_threads: int = Field(ge=1, le=256)
    density: FiniteFloat = Field(gt=0, le=1)
    released_dictionary: Path
    learning: Learning
    settings: dict[str, Setting]
    unrolled: dict[str, Hyperparameters]
    classical: dict[str, Hyperparameters]
    lam_grid: list[Annotated[FiniteFloat, Field(gt=0)]] = Field(min_length=1)
    published_curves: Path
    presets: dict[Literal["smoke", "laptop", "paper"], Preset]

    def training(self, preset: str, setting: str, method: str) -> Training:
        """Return the training parameters of one net: the preset's, then its overrides.

        Overrides are read in the order ``method``, then ``setting/method``.
        """
        chosen = self.presets[preset]
        return overridden(chosen.training, chosen.overrides, setting, method)


def load_fig5(path: str | Path, methods: dict[str, dict[str, set[str]]]) -> Fig5:
    """Read and check the parameter file.

    Parameters
    ----------
    path : the YAML file
    methods : for each kind the known methods and the names of their hyperparameters

    Raises
    ------
    InputError : one line with file, key, value and what is allowed.
    """
    experiment = validated(Fig5, read_yaml(path), path)
    for kind in ("unrolled", "classical"):
        check_hyperparameters(path, kind, getattr(experiment, kind), methods[kind])
    for name, preset in experiment.presets.items():
        _check_preset(path, experiment, name, preset)
    return experiment


def _check_preset(path: str | Path, experiment: Fig5, name: str, preset: Preset) -> None:
    for setting_name, setting in experiment.settings.items():
        if setting.dictionary not in (*preset.gaussian, "learned"):
            key = f"settings.{setting_name}.dictionary"
            raise unknown_key(path, f"{key}.{setting.dictionary}", [*preset.gaussian, "learned"])
    prefix, train = f"presets.{name}", preset.samples.train
    parts = (preset.training, preset.overrides, experiment.settings, experiment.unrolled)
    check_overrides(path, f"{prefix}.overrides", *parts)
    for place, override in preset.overrides.items():
        used = override.get("samples", 1)
        check_samples(path, f"{prefix}.overrides.{place}.samples", used, train)
    check_samples(path, f"{prefix}.training.samples", preset.training.samples, train)
