"""The jobs of meta-gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from l2o.artifacts.job import Artifact, Job, Resources
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.meta_gradients.parameters import Parameters

POINTS = ("drawn", "trained")  # weights at which bias and variance are measured
MEASURING = {name: "points" for name in POINTS} | {"cost": "cost"}  # works, by measurement


class MetaGradients(Experiment):
    """Bias and variance of five estimators of the meta-gradient against the unroll length, and what
    an optimizer learns with each from as many inner gradients.

    L2O-DM trains an MLP (sigmoid) on digits, as for Figure 3, in episodes that are cut in unrolls.
    Backpropagation, reparameterisation, evolution strategies and the two merged take the state at
    the start of an unroll as given, persistent evolution strategies do not. The target is the
    gradient of the smoothed loss of a whole episode. Source: *Learning to Optimize: A Primer and A
    Benchmark*, section 2, eqs. (3) to (5) and the dilemma of Figure 3.
    """

    title, model, value = "Meta-gradients", Parameters, ("iteration", "loss")
    measurements = (*POINTS, "cost")

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return f"{self.sizes.runs:,} run{'s' * (self.sizes.runs != 1)}"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the parameters that define the problem, which is the same for all estimators."""
        return self.parameters.model_dump(include={"side", "units", "minibatch"})

    def sample(self, setting: str) -> None:
        """Return nothing: runs draw their starts, few as they are."""

    def data(self, setting: str = "") -> dict[str, Artifact]:
        """Return what all read: images."""
        return {"digits": shared.digits(self.preset)["set"]}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how many runs there are, and how long they are."""
        return self.sizes.model_dump(include={"runs", "iterations", "monitored"})

    def resources(self, kind: str, setting: str) -> Resources:
        """Return what a scheduler is told."""
        return replace(super().resources(kind, setting), memory_mb=2500, minutes=120)

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Measure bias and variance at a point, or seconds and memory of estimates."""
        (method,), setting = self.contestants, self.settings[0]
        who, how = self.contestants[method], self.sizes.measured
        budget = self.parameters.budget(self.preset, setting, method)
        estimators = [self.parameters.settings[s].estimator for s in self.settings]
        parameters = {**self.running(), **self.problem(setting), **who.parameters()}
        parameters |= {"estimators": [*dict.fromkeys(estimators)], "unrolls": how.unrolls}
        parameters |= {"sigma": budget.sigma, "pairs": budget.pairs}
        reads = self.data()
        if name in POINTS:
            parameters |= {"point": name, "horizon": max(budget.horizons)}
            parameters |= {"estimates": how.estimates, "episodes": how.episodes}
        if name == "trained":
            reads["checkpoint"] = self.train(setting, method)["checkpoint"]
        sources = [self.work(f"measure_{MEASURING[name]}"), who.head.module]
        given = {"resources": self.resources("train", setting)}
        return self.job("measure", wildcards, parameters, reads, sources, **given)

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, bias and variance, seconds and memory, and learning."""
        (method,) = self.contestants
        histories = {s: self.train(s, method)["history"] for s in self.settings}
        budgets = {s: self.parameters.budget(self.preset, s, method) for s in self.settings}
        costs = {s: b.runs * b.batch_size * max(b.horizons) for s, b in budgets.items()}
        points = {name: self.measure(name)["table"] for name in POINTS}
        return {
            **super().tables(),
            "gradients": self.join("gradients", points),
            "cost": self.join("cost", {"cost": self.measure("cost")["table"]}),
            "learning": self.join("learning", histories, self.work("learning"), costs=costs),
        }

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that a report reads: seconds for the table alone."""
        tables = self.joined()
        names = ("gradients", "learning")
        if function == "table":
            names = (*names, "curves", "finals", "cost", "timings")
        return {name: tables[name]["table"] for name in names}

    def facts(self) -> dict[str, Any]:
        """Return the estimators by setting, and how episodes are made."""
        (method,), p = self.contestants, self.parameters
        budget = p.budget(self.preset, self.settings[0], method)
        return {
            "estimators": {s: p.settings[s].estimator for s in self.settings},
            "horizon": max(budget.horizons),
            "unroll": budget.unroll,
            **budget.model_dump(include={"sigma", "pairs"}),
            **self.sizes.measured.model_dump(include={"estimates", "episodes"}),
            "network": f"{p.side * p.side}-{p.units}-10",
            "hidden": int(self.contestants[method].hyperparameters.get("hidden", 20)),
        }
