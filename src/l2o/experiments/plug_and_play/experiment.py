"""The jobs of plug-and-play restoration: denoisers are trained once, then used everywhere."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from l2o.artifacts.job import Artifact, Job
from l2o.config.nearest import unknown_key
from l2o.datasets.picture_source import picture_source
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.plug_and_play.parameters import HOME, Parameters
from l2o.optimizers.registry import methods

SHOWN = ("zero_filling", "admm_tv")  # in the gallery, beside one that runs with a denoiser


class PlugAndPlay(Experiment):
    """Pictures from part of their frequencies or pixels, or from a blur of them: learned denoisers
    in ADMM and forward-backward splitting, against total variation and wavelets.

    Shown is the PSNR after each iteration, whether the iteration converges, and what is certain of
    each denoiser's Lipschitz constant. Every method has the best hyperparameters of a recorded
    search on other pictures. Source: Ryu et al. 2019, *Plug-and-play methods provably converge with
    properly trained denoisers*; *Learning to Optimize: A Primer and A Benchmark*, eq. (9).
    """

    report, title = "pnp", "Plug-and-play with learned denoisers"
    model, value, tuned = Parameters, ("iteration", "psnr"), True
    figures = ("gallery",)
    measurements = ("certificates", "gallery")

    @cached_property
    def source(self) -> str:
        """Where the pictures come from: ``published`` or ``bundled``."""
        return picture_source(self.sizes.pictures)

    @property
    def _stored(self) -> Artifact:
        return shared.pictures(self.preset, self.source)["set"]

    def problem(self, setting: str) -> dict[str, Any]:
        """Return nothing more: a set says all of its problem."""
        return {}

    def sample(self, setting: str) -> Job:
        """Draw masks and noise of a setting, and store them with the originals."""
        wildcards, p = self.place(setting), self.parameters
        sides = {"validation": self.sizes.validation, "test": self.sizes.test}
        parameters = {"setting": setting, "seed": p.seed, "law": p.settings[setting].law()}
        parameters["splits"] = {split: one.model_dump() for split, one in sides.items()}
        reads = {"pictures": self._stored}
        return self.job("sample", wildcards, parameters, reads, libraries=("numpy", "h5py"))

    def train(self, setting: str, method: str) -> Job:
        """Train a denoiser; ``setting`` is that of all trainings."""
        p = self.parameters
        wildcards = self.place(setting, homes := p.training_settings)
        if setting not in homes:
            raise unknown_key(self.path, f"settings.{setting}", homes)
        if method not in p.learned:
            raise unknown_key(self.path, f"learned.{method}", list(p.learned))
        head = methods("denoisers")[method]
        hyper = {**head.hyperparameters, **p.learned[method]}
        parameters = {"setting": setting, "method": method, "hyperparameters": hyper}
        parameters |= {**self.running(), "device": p.device}
        parameters["training"] = p.denoiser_budget(self.preset, method).model_dump()
        given = {"resources": self.resources("train", setting)}
        sources = [self.work("train"), head.module]
        named = {**wildcards, "method": method}
        return self.job("train", named, parameters, {"pictures": self._stored}, sources, **given)

    def training_of(self, setting: str, method: str) -> Job | None:
        """Return the training of the denoiser that a method runs with; None where it has none."""
        self.place(setting)
        denoiser = self.contestant(method).head.denoiser
        return self.train(HOME, denoiser) if denoiser else None

    def solvers(self, method: str) -> list[str]:
        """Return the modules that run a method: its own, and its denoiser's."""
        head = self.contestant(method).head
        own = [methods("denoisers")[head.denoiser].module] if head.denoiser else []
        return [head.module, *own]

    def tune(self, setting: str, method: str) -> Job | None:
        """Search the hyperparameters of a method that has a grid, with its trained denoiser."""
        who, grid = self.contestant(method), self.parameters.grid.get(method)
        wildcards = {**self.place(setting), "method": method}
        if not grid:
            return None
        parameters = {**self.running(), **who.parameters(), **self.evaluation(setting, method)}
        parameters |= {"setting": setting, "grid": grid}
        reads = self.data(setting)
        if (training := self.training_of(setting, method)) is not None:
            reads["checkpoint"] = training["checkpoint"]
        sources = [self.work("tune"), *self.solvers(method)]
        given = {"resources": self.resources("tune", setting)}
        return self.job("tune", wildcards, parameters, reads, sources, **given)

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how long a method is followed."""
        return {"iterations": self.sizes.iterations}

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Certify denoisers, or restore the first test picture of every setting to be looked at."""
        parameters = {**self.running(), "iterations": self.sizes.iterations}
        reads, sources = {}, [self.work(f"measure_{name}")]
        for method in self.contestants:
            sources += self.solvers(method)
        first = self.settings[0]
        for denoiser in self._denoisers():
            reads[f"denoiser {denoiser}"] = self.train(HOME, denoiser)["checkpoint"]
        if name == "certificates":
            reads |= self.data(first)
            parameters["used"] = self._denoisers()
        else:
            parameters["methods"] = {n: who.parameters() | {"denoiser": who.head.denoiser}
                                     for n, who in self.contestants.items()}  # fmt: skip
            parameters["shown"] = SHOWN
            for setting in self.settings:
                reads[f"set {setting}"] = self.sample(setting)["set"]
                for method in self.contestants:
                    if (tuned := self.tune(setting, method)) is not None:
                        reads[f"tuned {setting}/{method}"] = tuned["tuned"]
            parameters["settings"] = self.settings
        given = {"resources": self.resources("evaluate", "")}
        return self.job("measure", wildcards, parameters, reads, [*dict.fromkeys(sources)], **given)

    def _denoisers(self) -> list[str]:
        """Return the denoisers that methods run with."""
        used = (who.head.denoiser for who in self.contestants.values())
        return [*dict.fromkeys(filter(None, used))]

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, certificates, and the pixels of the gallery."""
        names = self.measurements if self._denoisers() else ("gallery",)
        measured = {name: self.measure(name + self.ending)["table"] for name in names}
        return super().tables() | {n: self.join(n, {n: table}) for n, table in measured.items()}

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that a report reads: pixels only for the gallery."""
        tables = self.tables()
        names = {"table": ("curves", "finals", "certificates", "runs"), "figure": ("curves",),
                 "gallery_figure": ("gallery",)}[function]  # fmt: skip
        return {name: tables[name]["table"] for name in names if name in tables}

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        side, kind = self.sizes.test.side, "Set11" if self.source == "published" else "bundled"
        return f"test pictures of {side} x {side} pixels ({kind})"

    def departures(self) -> dict[str, str]:
        """Return where methods and denoisers are not what their papers describe, by label."""
        heads = (methods("denoisers")[name] for name in self._denoisers())
        return super().departures() | {one.label: one.departs for one in heads if one.departs}

    def facts(self) -> dict[str, Any]:
        """Return where the pictures come from."""
        return {"pictures": self.source}
