"""The jobs of the training of networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from l2o.artifacts.job import Artifact, Job, Resources
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.network_training.parameters import Parameters


class NetworkTraining(Experiment):
    """Optimizers train a ReLU MLP and a ConvNet on MNIST: first-order ones, whose rates are chosen
    by a search on each network, and learned ones, which have only seen the training of an MLP with
    sigmoid units. A line is the training loss against the iteration; lower is better. Source:
    *Learning to Optimize: A Primer and A Benchmark*, section 4.3, Figure 8.
    """

    report, title = "fig8", "Figure 8: training of networks"
    model, value, claimed, tuned = Parameters, ("iteration", "loss"), True, True

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return f"{self.sizes.runs:,} run{'s' * (self.sizes.runs != 1)}"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the parameters that define the problem; the setting names the network."""
        return {"minibatch": self.parameters.minibatch}

    def sample(self, setting: str) -> Job:
        """Draw the start points of the runs of an evaluation."""
        parameters = {"setting": setting, "runs": self.sizes.runs, "seed": self.parameters.seed}
        return self.job("sample", self.place(setting), parameters, libraries=("numpy", "h5py"))

    def data(self, setting: str) -> dict[str, Artifact]:
        """Return what trainings and searches read: images; they draw starts by themselves."""
        return {"digits": shared.digits(self.preset)["set"]}

    def test_data(self, setting: str) -> dict[str, Artifact]:
        """Return what evaluations read: also the starts, which are the same for all methods."""
        return {**self.data(setting), "set": self.sample(setting)["set"]}

    def training_of(self, setting: str, method: str) -> Job | None:
        """Return the training behind an evaluation: on another network."""
        return super().training_of(self.parameters.trained_on, method)

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the parameters of the search."""
        return {**self.sizes.rate_search.model_dump(), "monitored": self.sizes.monitored}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how long runs are, and how many images their loss is followed on."""
        return self.sizes.model_dump(include={"iterations", "monitored"})

    def optima(self, setting: str) -> Job | None:
        """Train for far longer by the best classical schedule; None where it does not take part."""
        method = self.parameters.long_schedule
        if method not in self.contestants:
            return None
        who, reads = self.contestant(method), self.data(setting)
        parameters = {"setting": setting, **self.problem(setting), **self.running()}
        parameters |= {**who.parameters(), **self.evaluation(setting, method)}
        parameters |= self.sizes.long_run.model_dump()
        if (search := self.tune(setting, method)) is not None:
            reads["tuned"] = search["tuned"]
        sources = [self.work("optima"), *self.solvers(method)]
        given = {"resources": self.resources("evaluate", setting)}
        return self.job("optima", self.place(setting), parameters, reads, sources, **given)

    def held_against(self, setting: str) -> None:
        """Return nothing: an evaluation does not read how far a long run comes."""

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, and the ends of the long runs."""
        long = {s: job["optima"] for s in self.settings if (job := self.optima(s)) is not None}
        return super().tables() | ({"optima": self.join("optima", long)} if long else {})

    def resources(self, kind: str, setting: str) -> Resources:
        """Return what a scheduler is told: runs are long."""
        minutes = 240 if kind == "train" else 120
        return replace(super().resources(kind, setting), memory_mb=2000, minutes=minutes)
