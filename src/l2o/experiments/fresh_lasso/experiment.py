"""The jobs of LASSO with an A for each instance, where they are not those of any family."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Artifact, Job, Resources
from l2o.datasets.picture_source import picture_source
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.family import FamilyExperiment
from l2o.experiments.fresh_lasso.parameters import PATCHES, Parameters

SHARED = ("train", "tune")  # works that are those of any family; others are of the room
PROXIMAL = "learned_proximal"
CLASS = "l2o.optimizees.fresh_lasso:FreshLasso"


class FreshLasso(FamilyExperiment):
    """LASSO where every instance has a dictionary A of its own, so that no net knows it beforehand.

    Methods that see f in its parts, its smooth gradient and its proximal operator, are held against
    those that see subgradients, learned and hand-made, and nets trained on random A are tried on
    patches of pictures; optima are certified by a duality gap. Source: Liu, Chen, Wang, Yin &
    Cai 2023, section 5; Martin & Belgioioso 2026; safeguards: Heaton et al. 2023.
    """

    title, model = "LASSO, an A for each instance", Parameters
    value, timed_together = ("iteration", "relative_loss"), True

    @property
    def measurements(self) -> tuple[str, ...]:
        """What is measured: learned proximal methods untrained, and safeguards."""
        proximal = any(who.kind == PROXIMAL for who in self.contestants.values())
        return ("untrained", "safeguards") if proximal else ("safeguards",)

    @cached_property
    def source(self) -> str:
        """Where the pictures are from."""
        return picture_source(self.sizes.pictures)

    def work(self, kind: str) -> str:
        """Return the entry of the function that does a kind of work."""
        return super().work(kind) if kind in SHARED else Experiment.work(self, kind)

    def titles(self) -> dict[str, str]:
        """Return the titles with the sizes of the problems."""
        sizes = self.sizes.sizes
        return {
            name: f"{title}, {sizes[name][0]} × {sizes[name][1]}"
            for name, title in super().titles().items()
        }

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        if self.parameters.start_scale > 0:
            return super().pooled()
        return f"{self.sizes.samples.test:,} instances from x = 0"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the class of the instances."""
        return {"family": CLASS}

    def sample(self, setting: str) -> Job:
        """Draw the instances of a setting, or cut patches, and certify optima."""
        wildcards, p = self.place(setting), self.parameters
        one, (m, n) = p.settings[setting], self.sizes.sizes[setting]
        given = {"setting": setting, "seed": p.seed, "m": m, "n": n, "lam": one.lam}
        given |= {"samples": self.sizes.samples.model_dump(), "law": one.law}
        reads: dict[str, Artifact] = {}
        libraries = ("numpy", "h5py", "torch")
        if one.law == PATCHES:
            reads = {"pictures": shared.pictures(self.preset, self.source)["set"]}
            given |= {"dictionary": self.sizes.dictionary.model_dump()}
            given |= {"compute_threads": p.compute_threads}
            libraries = (*libraries, "scipy", "threadpoolctl")
        else:
            given |= {"density": one.density}
        more = {"resources": self.resources("evaluate", setting), "libraries": libraries}
        return self.job("sample", wildcards, given, reads, **more)

    def resources(self, kind: str, setting: str) -> Resources:
        """Return what a scheduler is told of a job: matrices in both precisions, with copies."""
        sizes, samples = self.sizes.sizes, self.sizes.samples.model_dump()
        entries = max(m * n for m, n in ([sizes[setting]] if setting else sizes.values()))
        more = 24 * max(samples.values()) * entries // 10**6
        found = super().resources(kind, setting)
        return replace(found, memory_mb=found.memory_mb + more)

    def training_of(self, setting: str, method: str) -> Job | None:
        """Return the training behind an evaluation; None for what is not trained."""
        self.place(setting)
        return super().training_of(self.parameters.home(setting), method)

    def solvers(self, method: str) -> list[str]:
        """Return the modules that run a method, and the problems."""
        return [*Experiment.solvers(self, method), "l2o.optimizees.fresh_lasso"]

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how a method is followed."""
        return self.runs()

    def recorded(self) -> dict[str, Path]:
        """Return nothing: nothing published is read."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Return where the pictures are from."""
        return {"pictures": self.source}

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Run trained methods with and without safeguards, and learned proximal ones untrained."""
        if name == "untrained":
            return self._untrained(wildcards)
        found = {name: who for name, who in self.contestants.items() if who.trained}
        settings = [s for s in self.parameters.safeguards.settings if s in self.settings]
        reads, sources = {}, [self.work(f"measure_{name}")]
        for setting in settings:
            reads[f"set {setting}"] = self.sample(setting)["set"]
            for method in found:
                job = self.training_of(setting, method)
                reads[f"{method} {setting}"] = job["checkpoint"]
        for method in found:
            sources += self.solvers(method)
        told = {method: who.parameters() for method, who in found.items()}
        parameters = {**self.running(), "methods": told, "settings": settings, "family": CLASS}
        parameters |= self.parameters.safeguards.model_dump(include={"alpha", "theta"})
        parameters |= {"iterations": self.sizes.safeguarded_iterations}
        parameters |= {"start_scale": self.parameters.start_scale}
        given = {"resources": self.resources("time", "")}
        return self.job("measure", wildcards, parameters, reads, sources, **given)

    def _untrained(self, wildcards: dict[str, str]) -> Job:
        """Run learned proximal methods as their trainings begin."""
        methods = [name for name, who in self.contestants.items() if who.kind == PROXIMAL]
        sources = [self.work("measure_untrained")]
        sources += [one for method in methods for one in self.solvers(method)]
        told, reads, targets = {}, {}, {}
        for name in self.settings:
            told[name] = {one: dict(self.training_of(name, one).parameters) for one in methods}
            reads[f"set {name}"] = self.sample(name)["set"]
            targets[name] = self.parameters.settings[name].targets
        parameters = {**self.running(), **self.runs(), "methods": told, "targets": targets}
        parameters["family"] = CLASS
        given = {"resources": self.resources("time", "")}
        return self.job("measure", wildcards, parameters, reads, sources, **given)

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, and what is measured of safeguards."""
        return super().tables() | self.measured_tables()

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that the report reads: its table also ends of runs and seconds."""
        found = super().compared(function)
        return found | ({"runs": self.tables()["runs"]["table"]} if function == "table" else {})
