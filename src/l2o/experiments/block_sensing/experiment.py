"""The jobs of compressive sensing by blocks."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

from l2o.artifacts.job import Artifact, Job
from l2o.datasets.picture_source import picture_source
from l2o.experiments import shared
from l2o.experiments.block_sensing.parameters import Parameters
from l2o.experiments.experiment import Experiment
from l2o.experiments.room import Contestant


class BlockSensing(Experiment):
    """Pictures from few measurements: every block of 33 x 33 pixels is measured by a random matrix
    with orthonormal rows, at 1 to 50 % of its pixels. ISTA-Net, ISTA-Net+ and a net of ours that
    sees over the borders of blocks are held against the best linear estimate, with which all begin,
    and against FISTA with cosines, wavelets and total variation, by PSNR and SSIM on whole test
    pictures. Source: Zhang & Ghanem 2018; *Learning to Optimize: A Primer and A Benchmark*,
    section 3.2.3.
    """

    report, title = "cs", "Compressive sensing of images by blocks"
    model, value, tuned = Parameters, ("iteration", "psnr"), True
    figures, measurements = ("seconds",), ("gallery",)

    @cached_property
    def everyone(self) -> dict[str, Contestant]:
        """The methods of the parameter file; nets have the preset's sizes, if not their own."""
        found, sizes = super().everyone, self.sizes.nets.model_dump()
        for name in self.parameters.sensing_nets:
            own = {**sizes, **found[name].hyperparameters}
            found[name] = replace(found[name], hyperparameters=own)
        return found

    @property
    def source(self) -> str:
        """Where pictures come from: ``published`` or ``bundled``."""
        return picture_source(self.parameters.pictures)

    def pictures(self) -> dict[str, Artifact]:
        """Return the pictures, as what jobs read."""
        return {"pictures": shared.pictures(self.preset, self.source)["set"]}

    def problem(self, setting: str) -> dict[str, Any]:
        """Return how many measurements a block has."""
        self.place(setting)
        return {"rows": self.parameters.settings[setting].rows}

    def sample(self, setting: str) -> Job:
        """Draw the matrix of a ratio and fit its linear start."""
        wildcards = self.place(setting)
        parameters = {"setting": setting, "seed": self.parameters.seed, **self.problem(setting)}
        parameters["blocks"] = self.sizes.samples.train
        libraries = ("numpy", "h5py", "pywavelets")
        return self.job("sample", wildcards, parameters, self.pictures(), libraries=libraries)

    def data(self, setting: str) -> dict[str, Artifact]:
        """Return what trainings, searches and evaluations read: the matrix and pictures."""
        return super().data(setting) | self.pictures()

    def held_out(self) -> dict[str, Any]:
        """Return which pictures searches and trainings are judged by."""
        count, side = self.sizes.samples.validation, self.sizes.search_side
        return {"validation": count, "search_side": side}

    def train(self, setting: str, method: str) -> Job:
        """Train a net for a ratio, perhaps from where that of another ratio ended."""
        wildcards = {**self.place(setting), "method": method}
        who, p = self.contestant(method), self.parameters
        budget = p.budget(self.preset, setting, method)
        parameters = {"setting": setting, "device": p.device, **self.running(), **who.parameters()}
        parameters |= self.held_out()
        reads = self.data(setting)
        if budget.start not in ("", setting):
            reads["start"] = self.train(budget.start, method)["checkpoint"]
        parameters["training"] = budget.model_dump(exclude={"start"})
        sources = [self.work("train"), who.head.module]
        given = {"resources": self.resources("train", setting)}
        return self.job("train", wildcards, parameters, reads, sources, **given)

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the parameters of the search."""
        return {"iterations": self.sizes.search_iterations, **self.held_out()}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how long classical methods run, and on which pictures."""
        given = {"test": self.sizes.samples.test, "test_side": self.sizes.test_side}
        return given | {"iterations": self.sizes.iterations}

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Recover one picture for the page of pictures."""
        shown, reads, sources = self.parameters.gallery, {}, [self.work(f"measure_{name}")]
        found = [method for method in shown.methods if method in self.contestants]
        told = {method: self.contestant(method).parameters() for method in found}
        for setting in shown.settings:
            reads |= {f"{role} {setting}": one for role, one in self.data(setting).items()}
            for method in found:
                if (training := self.training_of(setting, method)) is not None:
                    reads[f"checkpoint {method} {setting}"] = training["checkpoint"]
                if (search := self.tune(setting, method)) is not None:
                    reads[f"tuned {method} {setting}"] = search["tuned"]
        for method in found:
            sources += self.solvers(method)
        parameters = {**self.running(), **self.evaluation("", ""), "methods": told}
        parameters |= {"settings": list(shown.settings), "picture": shown.picture}
        given = {"resources": self.resources("evaluate", "")}
        return self.job("measure", wildcards, parameters, reads, sources, **given)

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, and the pixels of the page of pictures."""
        return super().tables() | self.measured_tables()

    def joined(self) -> dict[str, Job]:
        """Return all tables, also that of the seconds along the way."""
        return super().joined() | {"seconds": self._joined("seconds", self.evaluate)}

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that a function of ``report.py`` reads; pixels are for the figure."""
        found = {name: job["table"] for name, job in self.joined().items()}
        names = {
            "figure": ("curves", "finals", "gallery"),
            "seconds_figure": ("curves", "seconds"),
        }.get(function, ("curves", "finals", "runs"))
        return {name: found[name] for name in names if name in found}

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return f"{self.sizes.samples.test:,} test pictures"

    def facts(self) -> dict[str, Any]:
        """Return ratios, which settings have curves, what the gallery shows, and the source."""
        settings, shown = self.parameters.settings.items(), self.parameters.gallery
        return {
            "rows": {name: one.rows for name, one in settings},
            "followed": list(self.parameters.followed),
            "zoom": shown.zoom,
            "pictures": self.source,
        }
