"""Parameters of Figure 5: settings, dictionaries, methods and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from l2o.config.loading import read_yaml, unknown_key, validated
from l2o.config.training import Training
from l2o.errors import InputError

PRESETS = ("smoke", "laptop", "paper")
NonNegative = Annotated[FiniteFloat, Field(ge=0)]
Size = Annotated[int, Field(ge=2)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(_Section):
    """One panel: which dictionary, how much noise."""

    title: str
    dictionary: str
    snr_db: Annotated[FiniteFloat, Field(ge=-20, le=120)] | None


class Learning(_Section):
    """How the coherent dictionary is learned from image patches."""

    patch_size: int = Field(ge=2, le=64)
    atoms: int = Field(ge=2)
    patches: int = Field(ge=2)
    remove_mean: bool
    sparsity_weight: FiniteFloat = Field(gt=0)
    iterations: int = Field(ge=1)


class Sizes(_Section):
    """Samples of the three splits."""

    train: int = Field(ge=1)
    validation: int = Field(ge=1)
    test: int = Field(ge=1)


class Preset(_Section):
    """Sizes and budgets; presets never change code."""

    note: str
    depth: int = Field(ge=1, le=100)
    samples: Sizes
    gaussian: dict[str, tuple[Size, Size]]
    training: Training
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Fig5(_Section):
    """The parameter file of Figure 5."""

    seed: int = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]
    compute_threads: int = Field(ge=1, le=256)
    density: FiniteFloat = Field(gt=0, le=1)
    released_dictionary: Path
    learning: Learning
    settings: dict[str, Setting]
    unrolled: dict[str, dict[str, NonNegative]]
    classical: dict[str, dict[str, NonNegative]]
    lam_grid: list[Annotated[FiniteFloat, Field(gt=0)]] = Field(min_length=1)
    published_curves: Path
    presets: dict[Literal["smoke", "laptop", "paper"], Preset]

    def training(self, preset: str, setting: str, method: str) -> Training:
        """Return the training parameters of one net: the preset's, then its overrides.

        Overrides are read in the order ``method``, then ``setting/method``.
        """
        chosen = self.presets[preset]
        merged = chosen.training.model_dump()
        for name in (method, f"{setting}/{method}"):
            merged |= chosen.overrides.get(name, {})
        return Training.model_validate(merged)


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
        for name, hyper in getattr(experiment, kind).items():
            if name not in methods[kind]:
                raise unknown_key(path, f"{kind}.{name}", list(methods[kind]))
            for key in hyper:
                place = f"{kind}.{name}.{key}"
                if key not in methods[kind][name]:
                    raise unknown_key(path, place, sorted(methods[kind][name]))
                _check_hyperparameter(path, place, key, hyper[key])
    for name, preset in experiment.presets.items():
        _check_preset(path, experiment, name, preset)
    return experiment


def _check_hyperparameter(path: str | Path, place: str, key: str, value: float) -> None:
    """Shares of the support are percentages; all other hyperparameters are positive."""
    if key.startswith("support_"):
        wrong, allowed = value > 100, "a percentage from 0 to 100"
    else:
        wrong, allowed = value == 0, "a number above 0"
    if wrong:
        raise InputError(path, place, f"is {value:g}, out of range", f"set {allowed}")


def _check_preset(path: str | Path, experiment: Fig5, name: str, preset: Preset) -> None:
    for setting_name, setting in experiment.settings.items():
        if setting.dictionary not in (*preset.gaussian, "learned"):
            key = f"settings.{setting_name}.dictionary"
            raise unknown_key(path, f"{key}.{setting.dictionary}", [*preset.gaussian, "learned"])
    nets = [f"{setting}/{net}" for setting in experiment.settings for net in experiment.unrolled]
    for place, override in preset.overrides.items():
        prefix = f"presets.{name}.overrides.{place}"
        if place not in (*experiment.unrolled, *nets):
            raise unknown_key(path, prefix, [*experiment.unrolled, *nets])
        validated(Training, {**preset.training.model_dump(), **override}, path, prefix)
        _check_samples(path, f"{prefix}.samples", preset, override.get("samples", 1))
    _check_samples(path, f"presets.{name}.training.samples", preset, preset.training.samples)


def _check_samples(path: str | Path, place: str, preset: Preset, used: int) -> None:
    if used > preset.samples.train:
        problem = f"is {used}, more than the {preset.samples.train} training samples of the set"
        raise InputError(path, place, problem, "lower it, or raise samples.train of the preset")
