"""Parameters of compressive sensing by blocks: how much is measured, and what nets may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from l2o.config import experiment
from l2o.config.nearest import unknown_key
from l2o.config.sections import Sizes, check_overrides, overridden
from l2o.config.sensing_training import SensingTraining
from l2o.config.values import Count, Name, Section
from l2o.datasets.picture_source import Wanted
from l2o.errors import InputError
from l2o.variants import MAIN

PIXELS = 33 * 33  # of a block


class Setting(experiment.Setting):
    """A ratio of measurements to pixels."""

    rows: int = Field(ge=1, le=PIXELS, description="measurements of a block of 1089 pixels")


class Gallery(Section):
    """What the page of pictures shows."""

    picture: Count = Field(description="number of the test picture, from 1")
    settings: tuple[Name, ...] = Field(min_length=1, max_length=4)
    methods: tuple[Name, ...] = Field(min_length=1, max_length=5)
    zoom: int = Field(ge=4, le=512, description="pixels: side of what is shown larger")


class Nets(Section):
    """Sizes of nets that give none of their own."""

    phases: int = Field(ge=1, le=100)
    filters: int = Field(ge=2, le=256)


class Preset(experiment.Preset):
    """Sizes and budgets."""

    samples: Sizes
    search_side: int = Field(ge=1, le=64, description="of validation pictures, blocks")
    test_side: int = Field(ge=0, le=4096, description="of test pictures, pixels; 0: whole")
    iterations: int = Field(ge=1, le=10**5, description="of classical methods")
    search_iterations: int = Field(ge=1, le=10**5, description="of a run of a search")
    nets: Nets
    net_training: SensingTraining
    net_overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Parameters(experiment.ExperimentParameters):
    """The parameter file of compressive sensing by blocks."""

    kinds = ("sensing", "sensing_nets")

    pictures: Wanted = Field(description="where pictures come from")
    followed: tuple[Name, ...] = Field(min_length=1, description="settings with curves")
    gallery: Gallery
    settings: dict[Name, Setting] = Field(min_length=1)
    presets: dict[experiment.PresetName, Preset]

    def budget(
        self, preset: str, setting: str, method: str, variant: str = MAIN
    ) -> SensingTraining:
        """Return the budget of one training: the preset's, then its overrides."""
        chosen = self.presets[preset]
        return overridden(chosen.net_training, chosen.net_overrides, setting, method)

    def check(self, path: str | Path, known: experiment.Known) -> None:
        """Check what types cannot say; errors as of the base."""
        super().check(path, known)
        for name, setting in self.settings.items():
            if setting.targets:
                problem = "are values to get below, and a PSNR goes up"
                raise InputError(path, f"settings.{name}.targets", problem, "drop them")
        for key, names in (
            ("followed", self.followed),
            ("gallery.settings", self.gallery.settings),
        ):
            for name in names:
                if name not in self.settings:
                    raise unknown_key(path, f"{key}.{name}", list(self.settings))
        for name in self.gallery.methods:
            if name not in self.methods():
                raise unknown_key(path, f"gallery.methods.{name}", list(self.methods()))

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        super().check_preset(path, prefix, preset)
        place = f"{prefix}.net_overrides"
        who = self.training_settings, self.sensing_nets
        check_overrides(path, place, preset.net_training, preset.net_overrides, *who)
        name = prefix.rpartition(".")[2]
        for setting in self.training_settings:
            for method in self.sensing_nets:
                start = self.budget(name, setting, method).start
                where = f"{place}.{setting}/{method}.start.{start}"
                if start and start not in self.settings:
                    raise unknown_key(path, where, list(self.settings))
                if start and self.budget(name, start, method).start not in ("", start):
                    problem = "goes on from another net itself"
                    raise InputError(path, where, problem, "name one that does not")
