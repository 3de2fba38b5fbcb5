"""The jobs of unroll lengths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from l2o.artifacts.job import Artifact, Job, Resources
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.unroll_length.parameters import Parameters

STEP_MB = 25  # what a step of an unroll keeps for the backward pass
LARGE = 100  # steps of an unroll that takes gigabytes
MEMORY = ("memory", "memory_training")  # tables that only the figure of the memory shows


class UnrollLength(Experiment):
    """An optimizer is meta-trained on runs of a network that are cut into unrolls of several
    lengths; all lengths take the same steps in an epoch, so that short ones take more meta-steps.
    A line is the training loss on new runs, far beyond the steps of the meta-training; lower is
    better. Beside it stands what an unroll costs: the peak memory of one meta-gradient, plain and
    checkpointed, and a meta-training through an MLP of more than a million parameters. Source:
    *Learning to Optimize: A Primer and A Benchmark*, section 2, Figure 3.
    """

    report, title = "fig3", "Figure 3: unroll lengths"
    model, value, figures = Parameters, ("iteration", "loss"), ("memory",)
    measurements = ("memory", "training")

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return f"{self.sizes.runs:,} run{'s' * (self.sizes.runs != 1)}"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the parameters that define the problem, which is the same for all lengths."""
        return {"network": self.parameters.trained_on, "minibatch": self.parameters.minibatch}

    def sample(self, setting: str) -> None:
        """Return nothing: an evaluation draws its starts, few as they are."""

    def data(self, setting: str = "") -> dict[str, Artifact]:
        """Return what all read: images."""
        return {"digits": shared.digits(self.preset)["set"]}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how many runs there are, how long they are, and the length, for the tables."""
        given = self.sizes.model_dump(include={"runs", "iterations", "monitored"})
        return given | {"unroll": self.parameters.settings[setting].unroll}

    def resources(self, kind: str, setting: str) -> Resources:
        """Return what a scheduler is told: a training keeps all steps of an unroll."""
        told = replace(super().resources(kind, setting), memory_mb=2000, minutes=120)
        if kind != "train":
            return told
        unroll = self.parameters.settings[setting].unroll
        memory, large = 1500 + STEP_MB * unroll, unroll >= LARGE
        return replace(told, memory_mb=memory, minutes=240, large=large)

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Measure the memory of meta-gradients, or train through a large network."""
        p, how, whole = self.parameters, self.sizes.memory, name == "training"
        fields = {"large", "large_unroll", "meta_steps"}
        if not whole:
            fields = {"unrolls", "networks", "unroll", "limit_gib"}
        parameters = how.model_dump(include=fields) | {"minibatch": p.minibatch}
        parameters |= self.running() if whole else {"compute_threads": p.compute_threads}
        memory = 16000 if whole else 1000 + round(1024 * how.limit_gib)
        return self.job(
            "measure",
            wildcards,
            parameters,
            self.data() if whole else {},
            [self.work(f"measure_{name}"), "l2o.evaluation.memory_probe"],
            resources=Resources(memory, 120 if whole else 60, p.compute_threads, large=True),
        )

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, what the meta-trainings came to, and the memory."""
        (method,) = self.contestants
        histories = {s: self.train(s, method)["history"] for s in self.settings}
        budgets = {s: self.parameters.budget(self.preset, s, method) for s in self.settings}
        lengths = {s: {"unroll": b.unroll, "horizon": max(b.horizons)} for s, b in budgets.items()}
        measured = zip(MEMORY, self.measurements, strict=True)
        return {
            **super().tables(),
            "lengths": self.join("lengths", histories, self.work("lengths"), lengths=lengths),
            **{
                table: self.join(table, {name: self.measure(name)["table"]})
                for table, name in measured
            },
        }

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that a function of ``report.py`` reads: all, or the memory's."""
        memory = function == "memory_figure"
        found = super().compared(function)
        return {name: table for name, table in found.items() if (name in MEMORY) is memory}
