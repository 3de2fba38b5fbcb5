"""The jobs of minimax problems, where they are not those of any family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l2o.artifacts.job import Job
from l2o.experiments.experiment import Experiment
from l2o.experiments.family import FamilyExperiment
from l2o.experiments.minimax.parameters import CLASSES, Parameters
from l2o.optimizers.registry import methods

SHARED = ("train", "evaluate")  # works that are those of any family; others are of the room
SAFE = "halpern"  # whose step is the safe one


class Minimax(FamilyExperiment):
    """One player wants f(x, y) low, the other one wants it high: saddles, seesaws, matrix games.

    Hand-made methods with the best step of a recorded search are held against learned ones,
    Twin-L2O among them, by the distance to the nearest solution, at an equal number of gradients of
    f; the seesaw is neither convex nor concave. Source: Shen et al. 2021, *Learning a Minimax
    Optimizer: A Pilot Study*; *Learning to Optimize: A Primer and A Benchmark*, section 3.
    """

    title, model, value = "Minimax problems", Parameters, ("evaluations", "loss")
    measurements = ("untrained", "transfer", "safeguard")
    sample = Experiment.sample

    def work(self, kind: str) -> str:
        """Return the entry of the function that does a kind of work."""
        return Experiment.work(self, kind) if kind not in SHARED else super().work(kind)

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the class of the instances."""
        return {"family": f"l2o.optimizees.minimax:{CLASSES[self._law(setting)['problem']]}"}

    def drawing(self, setting: str) -> dict[str, Any]:
        """Return what instances are drawn from."""
        size = self.sizes.sizes.get(setting, self.parameters.settings[setting].size)
        return {"size": size, "law": self._law(setting)}

    def _law(self, setting: str) -> dict[str, Any]:
        keys = {"problem", "a", "b", "density", "shift"}
        return self.parameters.settings[setting].model_dump(include=keys)

    def solvers(self, method: str) -> list[str]:
        """Return the modules that run a method, and the problems."""
        return [*Experiment.solvers(self, method), "l2o.optimizees.minimax"]

    def runs(self, method: str = "", gradients: int = 0, more: int = 0) -> dict[str, Any]:
        """Return how long a method runs, at equal gradients, and from where.

        ``more`` are the gradients that a step takes beside the method's own.
        """
        each = self.contestant(method).head.gradients + more
        given = {"iterations": max(1, (gradients or self.sizes.gradients) // each)}
        return given | {"start_scale": self.parameters.start_scale, "starts": self.sizes.starts}

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the parameters of the search."""
        return self.runs(method, self.sizes.search_gradients)

    def tune(self, setting: str, method: str) -> Job | None:
        """Search the step of a method; a setting that is like another one has its steps."""
        self.place(setting)
        return super().tune(self.parameters.tuned_as(setting), method)

    def training_of(self, setting: str, method: str) -> Job | None:
        """Return the training behind an evaluation; None for what is not trained."""
        self.place(setting)
        return super().training_of(self.parameters.trained_as(setting), method)

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how a method is followed."""
        return self.runs(method) | {"published_shift": 0}

    def recorded(self) -> dict[str, Path]:
        """Return nothing: the published values are at the end."""
        return {}

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Measure learned methods: untrained, on other ranges, with the safeguard."""
        found = {name: who for name, who in self.contestants.items() if who.trained}
        p, reads, sources = self.parameters, {}, [self.work(f"measure_{name}")]
        told = {method: {**who.parameters(), **self.runs(method)} for method, who in found.items()}
        settings = {"untrained": self.settings, "safeguard": p.safeguarded}.get(name)
        if settings is None:
            problem = p.settings[p.transferred].problem
            settings = [s for s in self.settings if p.settings[s].problem == problem]
        for setting in settings:
            reads[f"set {setting}"] = self.sample(setting)["set"]
            for method in found if name == "safeguard" else ():
                reads[f"{method} {setting}"] = self.training_of(setting, method)["checkpoint"]
                if (tuned := self._safe_step(setting)) is not None:
                    reads[f"step {setting}"] = tuned["tuned"]
        for method in found:
            sources += self.solvers(method)
            if name == "transfer":
                reads[method] = self.train(p.transferred, method)["checkpoint"]
        families = {setting: self.problem(setting)["family"] for setting in settings}
        parameters = {**self.running(), "methods": told, "families": families}
        if name == "safeguard":
            parameters["safe"] = {**methods("minimax")[SAFE].hyperparameters}
            parameters["guarded"] = {method: self.runs(method, more=3) for method in found}
        given = {"resources": self.resources("evaluate", "")}
        return self.job("measure", wildcards, parameters, reads, sources, **given)

    def facts(self) -> dict[str, Any]:
        """Return the title of the setting whose nets are tried on others."""
        return {"transferred": self.titles()[self.parameters.transferred]}

    def _safe_step(self, setting: str) -> Job | None:
        """Return the search for the step of the safe method, where it takes part."""
        return self.tune(setting, SAFE) if SAFE in self.contestants else None

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, and what is measured of learned methods."""
        return super().tables() | self.measured_tables()
