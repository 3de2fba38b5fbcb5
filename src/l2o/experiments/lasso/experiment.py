"""The jobs of LASSO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l2o.artifacts.job import Job
from l2o.experiments.experiment import Experiment
from l2o.experiments.lasso.parameters import Parameters
from l2o.optimizers.registry import methods
from l2o.provenance import NUMERICAL_LIBRARIES


class Lasso(Experiment):
    """LASSO, minimised by methods of four kinds, held against optima that a duality gap certifies.

    They are methods that see nothing but (sub)gradients, proximal methods, unrolled nets that FISTA
    continues, and recurrent optimizers. Source: *Learning to Optimize: A Primer and A Benchmark*,
    section 4.1.2, Figure 6.
    """

    report, title = "fig6", "Figure 6: LASSO"
    model, value, claimed = Parameters, ("iteration", "relative_loss"), True
    figures, timed_together, measurements = ("seconds",), True, ("exact",)

    def titles(self) -> dict[str, str]:
        """Return the titles with the sizes of the problems."""
        sizes = self.sizes.sizes
        return {
            name: f"{title}, (m, n) = {sizes[name]}" for name, title in super().titles().items()
        }

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        starts = self.sizes.starts
        return f"{self.sizes.samples.test:,} instances from {starts} random starts each"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the parameters that define the problem."""
        return {"lam": self.parameters.lam}

    def drawing(self, setting: str) -> dict[str, Any]:
        """Return the size of the dictionary, and the density of the signals behind b."""
        m, n = self.sizes.sizes[setting]
        return {"m": m, "n": n, "density": self.parameters.density}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how a method is followed."""
        given = self.parameters.model_dump(include={"iterations", "start_scale"})
        given |= {"starts": self.sizes.starts}
        if self.contestant(method).kind == "unrolled":
            given["continued_with"] = self.parameters.continued_with
        return given

    def solvers(self, method: str) -> list[str]:
        """Return the modules that run a method; a net is continued by another one."""
        found = super().solvers(method)
        if self.contestant(method).kind == "unrolled":
            found.append(methods("classical")[self.parameters.continued_with].module)
        return found

    def recorded(self) -> dict[str, Path]:
        """Return the published curves: at their iterations ours are recorded, too."""
        published = self.parameters.published_curves
        return {} if published is None else {"published": published}

    def optima(self, setting: str) -> Job:
        """Hold the paper's way to the optimum against the certified optima."""
        iterations = self.parameters.published_optimum_iterations
        parameters = {"setting": setting, "iterations": iterations, **self.problem(setting)}
        parameters |= self.running()
        sources = [self.work("optima"), methods("classical")["fista"].module]
        return self.job("optima", self.place(setting), parameters, self.data(setting), sources)

    def held_against(self, setting: str) -> None:
        """Return nothing: the set itself has the certified optima."""

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Time solvers of single instances on all settings."""
        parameters = {"lam": self.parameters.lam, "tolerances": self.parameters.exact_tolerances}
        parameters["compute_threads"] = self.parameters.compute_threads
        return self.job(
            "measure",
            wildcards,
            parameters,
            {setting: self.sample(setting)["set"] for setting in self.settings},
            [self.work(f"measure_{name}")],
            (*NUMERICAL_LIBRARIES, "celer"),
            resources=self.resources("time", ""),
        )

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, the paper's optima beside ours, and exact solvers."""
        optima = {setting: self.optima(setting)["optima"] for setting in self.settings}
        exact = {name: self.measure(name)["table"] for name in self.measurements}
        return {
            **super().tables(),
            "optima": self.join("optima", optima),
            "exact_seconds": self.join("exact_seconds", exact),
        }
