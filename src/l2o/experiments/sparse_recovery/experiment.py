"""The jobs of sparse recovery."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Job
from l2o.experiments.experiment import Experiment
from l2o.experiments.room import Contestant
from l2o.experiments.sparse_recovery.parameters import LEARNED, Parameters
from l2o.optimizers.registry import Head

SUMS = Path("data/bsds500.sha256")  # of the images
MOVED = "l2o.evaluation.other_dictionaries"
IMAGES = "data/bsds500"  # where they are kept


class _OracleHead(Head):
    module = "l2o.optimizers.oracle"


ORACLE = _OracleHead("oracle", "oracle", "", "Oracle support", "least squares on the support", {})


class SparseRecovery(Experiment):
    """Recovery of sparse signals: the error of each method after each layer; lower is better.

    A panel is a setting: a Gaussian dictionary without noise, one with a signal-to-noise ratio of
    20 dB, a coherent dictionary learned from image patches, and a larger problem. Classical
    algorithms and an oracle that knows the support stand beside the learned nets. Source: *Learning
    to Optimize: A Primer and A Benchmark*, section 4.1.1, Figure 5.
    """

    report, title = "fig5", "Figure 5: sparse recovery"
    model, value = Parameters, ("layer", "nmse_db")
    claimed = tuned = timed_together = True
    unread = (*Experiment.unread, "dictionaries")

    @cached_property
    def contestants(self) -> dict[str, Contestant]:
        """The methods that take part, and the oracle."""
        found = dict(super().contestants)
        if not self.only or ORACLE.name in self.only:
            found[ORACLE.name] = Contestant(ORACLE.name, ORACLE.kind, ORACLE, {})
        return found

    def size(self, setting: str) -> tuple[int, int]:
        """Return (m, n) of a setting."""
        learning = self.parameters.learning
        size = self.sizes.gaussian.get(self.parameters.settings[setting].dictionary)
        return size or (learning.patch_size**2, learning.atoms)

    def titles(self) -> dict[str, str]:
        """Return the titles with the sizes of the problems."""
        return {
            name: f"{title}\n(m, n) = {self.size(name)}" for name, title in super().titles().items()
        }

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return f"{self.sizes.samples.test:,} test samples"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return nothing: the stored set tells all."""
        return {}

    def sample(self, setting: str) -> Job:
        """Draw the set of a setting, with its Gaussian dictionary or the released learned one."""
        chosen, p = self.parameters.settings[setting], self.parameters
        m, n = self.size(setting)
        parameters = {"setting": setting, "samples": self.sizes.samples.model_dump()}
        parameters |= {"m": m, "n": n}
        parameters |= {"density": p.density, "snr_db": chosen.snr_db, "seed": p.seed}
        files = {"released": p.released_dictionary} if chosen.dictionary == LEARNED else {}
        given = {"libraries": ("numpy", "h5py"), "files": files}
        return self.job("sample", self.place(setting), parameters, **given)

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the layer at which the search compares."""
        return {"depth": self.sizes.depth}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return the depth of the nets, and how far classical methods are followed beyond."""
        given: dict[str, Any] = {"depth": self.sizes.depth}
        if self.contestant(method).kind == "classical":
            given["iterations"] = self.sizes.opponent_iterations
        return given

    def optima(self, setting: str) -> Job | None:
        """Compute the limits of message passing on a Gaussian dictionary; others have none."""
        chosen = self.parameters.settings[setting]
        if chosen.dictionary == LEARNED:
            return None
        parameters = {"setting": setting, "layers": self.sizes.depth, **self.running()}
        parameters |= {"density": self.parameters.density, "snr_db": chosen.snr_db}
        given = {"libraries": ("numpy", "h5py")}
        return self.job("optima", self.place(setting), parameters, self.data(setting), **given)

    def held_against(self, setting: str) -> None:
        """Return nothing: errors are taken to the true signals."""

    @property
    def moved(self) -> dict[str, Contestant]:
        """The methods that are tried on other dictionaries."""
        other = self.parameters.other_dictionaries
        tried = other.methods if other and other.setting in self.settings else ()
        return {name: self.contestants[name] for name in tried if name in self.contestants}

    @property
    def measurements(self) -> tuple[str, ...]:
        """What is measured apart from all methods: nothing, if none is tried on another A."""
        return ("dictionaries",) if self.moved else ()

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Try nets on A with its columns permuted, with noise, and on another A."""
        other = self.parameters.other_dictionaries
        reads, sources = self.data(other.setting), [f"{MOVED}:measure"]
        parameters = {**other.model_dump(), **self.running(), "depth": self.sizes.depth}
        parameters["noise_db"] = self.parameters.settings[other.setting].snr_db
        parameters["methods"] = {one: who.parameters() for one, who in self.moved.items()}
        for method in self.moved:
            sources += self.solvers(method)
            if (training := self.training_of(other.setting, method)) is not None:
                reads[method] = training["checkpoint"]
            if (tuned := self.tune(other.setting, method)) is not None:
                reads[f"tuned {method}"] = tuned["tuned"]
        given = wildcards, parameters, reads, sources
        return self.job("measure", *given, resources=self.resources("evaluate", ""))

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, limits and other dictionaries, where there are some."""
        found = {setting: self.optima(setting) for setting in self.settings}
        reads = {"optima": {s: job["optima"] for s, job in found.items() if job is not None}}
        for name in self.measurements:
            reads[name] = {name: self.measure(name + self.ending)["table"]}
        return super().tables() | {name: self.join(name, of) for name, of in reads.items() if of}

    def apart(self) -> list[Job]:
        """Return the job that learns the coherent dictionary again; no figure needs it."""
        learning = {**self.parameters.learning.model_dump(), **self.running(), "images": IMAGES}
        given = {"libraries": ("numpy", "scipy", "pillow", "h5py"), "files": {"sums": SUMS}}
        work = ["l2o.dictionaries.learning:learn"]
        return [self.job("learn", {"dictionary": "bsds500"}, learning, {}, work, **given)]
