"""Parameters of the Rastrigin family beside those of any family."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from l2o.config import experiment
from l2o.config.sections import check_by_setting
from l2o.config.values import Count, Name, Positive, Section, Size
from l2o.errors import InputError
from l2o.experiments import family


class Oracle(Section):
    """How Run-and-Inspect looks for the minimum of each test instance."""

    radius: Positive = Field(le=1e6)
    points: int = Field(ge=4, le=10**6, description="samples of an inspection")
    starts: Count = Field(description="runs of each instance")
    grid: bool = Field(description="whether an exhaustive grid checks it (n = 2 only)")


class Preset(family.Preset):
    """Sizes and budgets."""

    oracle: dict[Name, Oracle]


class Parameters(family.Parameters):
    """The parameter file of the Rastrigin family."""

    alpha: Positive = Field(le=1e6)
    published_instances: Size
    population_search_starts: Count
    presets: dict[experiment.PresetName, Preset]

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        what = "give it for every setting"
        check_by_setting(path, f"{prefix}.oracle", preset.oracle, self.settings, what)
        super().check_preset(path, prefix, preset)
        for setting, oracle in preset.oracle.items():
            if oracle.grid and preset.sizes[setting] != 2:
                problem = f"is true, but n = {preset.sizes[setting]}"
                place = f"{prefix}.oracle.{setting}.grid"
                raise InputError(path, place, problem, "a grid needs n = 2")
