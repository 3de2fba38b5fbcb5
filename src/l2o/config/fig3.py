"""Parameters of Figure 3: unroll lengths, the memory of unrolling, and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from l2o.config.fig8 import NETWORKS
from l2o.config.loading import read_yaml, validated
from l2o.config.meta_training import MetaTraining
from l2o.config.sections import Hyperparameters, Section, check_hyperparameters
from l2o.errors import InputError

PIXELS, CLASSES = 784, 10


def _from_pixels_to_classes(widths: tuple[int, ...]) -> tuple[int, ...]:
    if widths[:1] != (PIXELS,) or widths[-1] != CLASSES or min(widths) < 1:
        raise ValueError(f"widths should begin with {PIXELS} pixels and end with {CLASSES} classes")
    return widths


Widths = Annotated[tuple[int, ...], AfterValidator(_from_pixels_to_classes)]


class Length(Section):
    """One curve of the figure: inner steps between two meta-steps."""

    title: str
    unroll: int = Field(ge=1)


class Memory(Section):
    """What is measured of the memory that an unroll takes, and the training of a large network."""

    unrolls: tuple[int, ...] = Field(min_length=1, description="lengths, on the first network")
    networks: tuple[Widths, ...] = Field(min_length=1, description="widths of MLPs, at `unroll`")
    unroll: int = Field(ge=1)
    limit_gib: float = Field(gt=0, description="what would take more is estimated, not run")
    large: Widths = Field(description="widths of the MLP that is trained through")
    large_unroll: int = Field(ge=1)
    meta_steps: int = Field(ge=1, description="of the training through the large MLP")


class Preset(Section):
    """Sizes and budgets; presets never change code."""

    note: str
    runs: int = Field(ge=1, le=1000, description="independent runs of the meta-test")
    iterations: int = Field(ge=1, description="of each run")
    monitored: int = Field(ge=1, le=60000, description="training images the loss is followed on")
    meta_training: MetaTraining
    memory: Memory


class Fig3(Section):
    """The parameter file of Figure 3."""

    seed: int = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]
    compute_threads: int = Field(ge=1, le=256)
    minibatch: int = Field(ge=1, le=60000)
    trained_on: Literal[NETWORKS]
    settings: dict[str, Length]
    recurrent: dict[str, Hyperparameters] = Field(min_length=1, max_length=1)
    teacher: dict[str, Hyperparameters] = Field(min_length=1, max_length=1)
    presets: dict[Literal["smoke", "laptop", "paper"], Preset]

    def meta_training(self, preset: str, setting: str, method: str) -> MetaTraining:
        """Return the budget of a length: the same inner steps for all, cut more or less often."""
        budget = self.presets[preset].meta_training.model_dump()
        return MetaTraining.model_validate(budget | {"unroll": self.settings[setting].unroll})


def load_fig3(path: str | Path, methods: dict[str, dict[str, set[str]]]) -> Fig3:
    """Read and check the parameter file.

    Parameters
    ----------
    path : the YAML file
    methods : for each kind the known methods and the names of their hyperparameters

    Raises
    ------
    InputError : one line with file, key, value and what is allowed.
    """
    experiment = validated(Fig3, read_yaml(path), path)
    check_hyperparameters(path, "recurrent", experiment.recurrent, methods["recurrent"])
    check_hyperparameters(path, "teacher", experiment.teacher, methods["first_order"])
    for name, preset in experiment.presets.items():
        place, horizons = f"presets.{name}.meta_training.horizons", preset.meta_training.horizons
        if len(horizons) != 1:
            problem = f"are {', '.join(map(str, horizons))}: lengths are compared at one"
            raise InputError(path, place, problem, "give one horizon")
        for setting, length in experiment.settings.items():
            if horizons[0] % length.unroll:
                problem = f"{horizons[0]} is no multiple of {setting}'s {length.unroll} steps"
                raise InputError(path, place, problem, "all lengths are to take the same steps")
    return experiment
