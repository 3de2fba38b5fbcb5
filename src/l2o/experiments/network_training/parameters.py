"""Parameters of the training of networks: networks, optimizers and presets."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from l2o.config import experiment
from l2o.config.experiment import Known
from l2o.config.nearest import unknown_key
from l2o.config.networks import Network, RunSizes, TrainedNetworks
from l2o.config.values import Count, Name, Section
from l2o.errors import InputError


class RateSearch(Section):
    """How rates are chosen: runs of their own, with the minibatches of another stream."""

    runs: int = Field(ge=1, le=1000)
    iterations: Count


class LongRun(Section):
    """Runs of ``long_schedule``, far longer than those of the evaluation."""

    runs: int = Field(ge=1, le=1000)
    times: int = Field(ge=1, le=1000, description="as long as a run of the evaluation")


class Preset(experiment.Preset, experiment.RecurrentBudget, RunSizes):
    """Sizes and budgets."""

    rate_search: RateSearch
    long_run: LongRun


class Parameters(experiment.ExperimentParameters, TrainedNetworks):
    """The parameter file of the training of networks."""

    kinds = ("first_order", "recurrent")

    settings: dict[Network, experiment.Setting] = Field(min_length=1)
    long_schedule: Name = Field(description="first-order method that the long run is trained by")
    presets: dict[experiment.PresetName, Preset]

    @property
    def training_settings(self) -> list[str]:
        """The one network that optimizers are trained on: the others they have never seen."""
        return [self.trained_on]

    def check(self, path: str | Path, known: Known) -> None:
        """Check what types cannot say."""
        super().check(path, known)
        if self.long_schedule not in self.first_order:
            raise unknown_key(path, f"long_schedule.{self.long_schedule}", list(self.first_order))
        for section in ("first_order", "grid"):
            for name, given in getattr(self, section).items():
                if "steps" in given:
                    place, problem = (
                        f"{section}.{name}.steps",
                        "a schedule lasts as long as its run",
                    )
                    raise InputError(path, place, problem, "drop it")
