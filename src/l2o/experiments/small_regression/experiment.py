"""The jobs of small regressions, where they are not those of any family."""

from __future__ import annotations

from typing import Any

from l2o.artifacts.job import Job
from l2o.experiments.experiment import Experiment
from l2o.experiments.family import FamilyExperiment
from l2o.experiments.small_regression.parameters import Parameters

POLICIES = "policies"  # the kind of method


class SmallRegression(FamilyExperiment):
    """Quadratics, logistic regression and robust linear regression with three or four unknowns.

    Policies that were found by reinforcement learning take the steps; each began as gradient
    descent with the best rate for it. They are held against their own network trained by
    backpropagation, L2O-DM, and methods by hand, by the excess over the minimum, over the steps
    that they were trained for and beyond. Source: Li & Malik 2016, *Learning to Optimize*;
    *Learning to Optimize: A Primer and A Benchmark*, Table 1.
    """

    title, model = "Small regressions, by reinforcement learning", Parameters
    figures, measurements, timed_together = ("evaluations",), ("stochastic",), True
    # All is in the room, with sets of its own.
    work, solvers, sample = Experiment.work, Experiment.solvers, Experiment.sample

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the name of the family."""
        return {"problem": self.parameters.settings[self.place(setting)["setting"]].problem}

    def drawing(self, setting: str) -> dict[str, Any]:
        """Return the number of unknowns."""
        return {"n": self.sizes.sizes[setting]}

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the parameters of the search: what counts is the end of the trained steps."""
        return self.runs() | {"iterations": self.parameters.horizon}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how a method is followed."""
        return super().evaluation(setting, method) | {"horizon": self.parameters.horizon}

    def optima(self, setting: str) -> Job:
        """Find the minimum of every test problem, with a certificate."""
        parameters = {**self.running(), **self.problem(setting), "setting": setting}
        parameters |= {"starts": self.sizes.minimum_starts}
        return self.job("optima", self.place(setting), parameters, self.data(setting))

    def train(self, setting: str, method: str) -> Job:
        """Train a policy, or another learned method, on a setting."""
        who, p = self.contestant(method), self.parameters
        if who.kind != POLICIES:
            return super().train(setting, method)
        wildcards = {**self.place(setting), "method": who.entry}
        parameters = {"setting": setting, "device": p.device, **self.problem(setting)}
        parameters |= {**self.running(), **who.parameters(), "horizon": p.horizon}
        parameters |= {"scale": p.settings[setting].scale}
        parameters["policy_training"] = p.budget(self.preset, setting, who.name).model_dump()
        sources = [self.work("train"), who.head.module]
        given = {"resources": self.resources("train", setting)}
        return self.job("train", wildcards, parameters, self.data(setting), sources, **given)

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Measure policies whose steps are drawn."""
        policies = [one for one, who in self.contestants.items() if who.kind == POLICIES]
        reads, sources = {}, [self.work(f"measure_{name}")]
        for setting in self.settings:
            reads |= {f"set {setting}": self.sample(setting)["set"]}
            reads |= {f"optima {setting}": self.optima(setting)["optima"]}
            for method in policies:
                reads[f"{setting}/{method}"] = self.train(setting, method)["checkpoint"]
        for method in policies:
            sources += self.solvers(method)
        problems = {setting: self.problem(setting)["problem"] for setting in self.settings}
        parameters = {**self.running(), **self.runs(), "problems": problems, "policies": policies}
        parameters["horizon"] = self.parameters.horizon
        given = {"resources": self.resources("evaluate", "")}
        return self.job("measure", wildcards, parameters, reads, sources, **given)

    def facts(self) -> dict[str, Any]:
        """Return the steps that nets are trained for, and that all take."""
        return {"horizon": self.parameters.horizon, "iterations": self.parameters.iterations}

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, the minima, and policies whose steps are drawn."""
        found = {setting: self.optima(setting)["optima"] for setting in self.settings}
        policies = any(who.kind == POLICIES for who in self.contestants.values())
        measured = self.measured_tables() if policies else {}
        return {**super().tables(), "optima": self.join("optima", found), **measured}
