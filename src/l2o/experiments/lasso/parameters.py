"""Parameters of LASSO: instances, methods and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from l2o.config import experiment
from l2o.config.sections import Sizes, check_by_setting
from l2o.config.values import Count, Name, NonNegative, Positive, Size


class Preset(experiment.Preset, experiment.UnrolledBudget, experiment.RecurrentBudget):
    """Sizes and budgets."""

    sizes: dict[Name, tuple[Size, Size]]
    samples: Sizes
    starts: int = Field(ge=1, le=1000)


class Parameters(experiment.ExperimentParameters):
    """The parameter file of LASSO."""

    kinds = ("first_order", "classical", "unrolled", "recurrent")

    density: Positive = Field(le=1)
    lam: Positive
    iterations: Count
    start_scale: NonNegative = Field(le=1e6)
    exact_tolerances: tuple[Positive, ...] = Field(min_length=1, description="of celer")
    continued_with: Literal["ista", "fista"]
    published_optimum_iterations: Count
    presets: dict[experiment.PresetName, Preset]

    def check_preset(self, path: str | Path, prefix: str, preset: Preset) -> None:
        """Check one preset."""
        what = "give its size [m, n]"
        check_by_setting(path, f"{prefix}.sizes", preset.sizes, self.settings, what)
        super().check_preset(path, prefix, preset)
