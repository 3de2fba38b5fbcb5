"""The jobs of the Rastrigin family, where they are not those of any family."""

from __future__ import annotations

from typing import Any

from l2o.artifacts.job import NUMERICAL_LIBRARIES, Job
from l2o.experiments.experiment import Experiment
from l2o.experiments.family import FamilyExperiment
from l2o.experiments.rastrigin.parameters import Parameters


class Rastrigin(FamilyExperiment):
    """Non-convex functions with many wells, minimised by single optimizers and by swarms.

    They are held against the exact minima, over iterations and over evaluations, since a swarm
    spends several in each iteration. Source: *Learning to Optimize: A Primer and A Benchmark*,
    section 4.2, Figure 7.
    """

    report, title = "fig7", "Figure 7: the Rastrigin family"
    model, claimed, timed_together = Parameters, True, True
    # All is in the room, with sets of its own.
    work, solvers, sample = Experiment.work, Experiment.solvers, Experiment.sample

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the parameters that define the problem."""
        return {"alpha": self.parameters.alpha}

    def drawing(self, setting: str) -> dict[str, Any]:
        """Return the number of unknowns."""
        return {"n": self.sizes.sizes[setting]}

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the parameters of the search, which follows populations from fewer starts."""
        fewer = min(self.sizes.starts, self.parameters.population_search_starts)
        return super().tuning(method) | {"population_search_starts": fewer}

    def optima(self, setting: str) -> Job:
        """Find the minimum of every test instance, and what Run-and-Inspect finds."""
        wildcards = self.place(setting)
        parameters = {**self.running(), **self.problem(setting)}
        parameters |= {"start_scale": self.parameters.start_scale}
        parameters |= self.sizes.oracle[setting].model_dump()
        libraries = (*NUMERICAL_LIBRARIES, "scipy")  # bounds of the boxes of a proof
        return self.job("optima", wildcards, parameters, self.data(setting), libraries=libraries)

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, and the minima summed up."""
        reads = {setting: self.optima(setting)["optima"] for setting in self.settings}
        starts = {name: oracle.starts for name, oracle in self.sizes.oracle.items()}
        how = {"alpha": self.parameters.alpha, "sizes": self.sizes.sizes, "starts": starts}
        how["published_instances"] = self.parameters.published_instances
        summed = self.join("optima", reads, self.work("summed_optima"), **how)
        return {**super().tables(), "optima": summed}
