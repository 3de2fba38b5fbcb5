"""The jobs of the sensing of patches."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from l2o.artifacts.job import Artifact, Job
from l2o.datasets.picture_source import PUBLISHED, picture_source
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.patch_sensing.parameters import Parameters
from l2o.experiments.room import Contestant
from l2o.optimizers.registry import Head
from l2o.storage.tables import read_rows


class _LinearHead(Head):
    module = "l2o.optimizees.patch_sensing"


_ABOUT = ("Linear", "least mean square error over training patches", {})
LINEAR = _LinearHead("classical", "linear", "", *_ABOUT)
NOT_OURS = ("tval3", "recon_net", "liht")  # published beside the nets, and not run here


class PatchSensing(Experiment):
    """Patches of 16 x 16 pixels from 20 to 60 % as many measurements: PSNR on the pictures of
    Set11, nets of the LISTA family beside ISTA, FISTA and the linear estimate. The mean of each
    patch is one of the measurements, or, as published, it is known without being measured. Source:
    Chen, Liu, Wang & Yin 2018, section 4.2; *Learning to Optimize: A Primer and A Benchmark*, whose
    own code for this test does not run.
    """

    report, title = "cs_patches", "Compressive sensing of image patches"
    model, value, tuned = Parameters, ("layer", "psnr"), True

    @cached_property
    def contestants(self) -> dict[str, Contestant]:
        """The methods that take part, and the linear estimate."""
        found = dict(super().contestants)
        if not self.only or LINEAR.name in self.only:
            found[LINEAR.name] = Contestant(LINEAR.name, LINEAR.kind, LINEAR, {})
        return found

    @cached_property
    def source(self) -> str:
        """Where the pictures are from."""
        return picture_source(self.parameters.pictures)

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        of = "Set11" if self.source == PUBLISHED else "scikit-image"
        return f"the test pictures of {of}"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return how patches are sensed: the matrices are in the set."""
        self.place(setting)
        sensed = self.parameters.settings[setting].mean == "sensed"
        return {"mean_sensed": sensed, "patch_size": self.parameters.patch_size}

    def sample(self, setting: str) -> Job:
        """Draw the sensing matrix of a setting, and compute what solvers know of it."""
        parameters = {"setting": setting, **self.problem(setting), "seed": self.parameters.seed}
        parameters |= {"m": self.parameters.count(setting), "moments": self.sizes.samples.moments}
        given = {"libraries": ("numpy", "h5py")}
        given["files"] = {"released": self.parameters.released_dictionary}
        return self.job("sample", self.place(setting), parameters, self.pictures(), **given)

    def pictures(self) -> dict[str, Artifact]:
        """Return the pictures, which all read."""
        return {"pictures": shared.pictures(self.preset, self.source)["set"]}

    def data(self, setting: str) -> dict[str, Artifact]:
        """Return what trainings, searches and evaluations read."""
        return {"set": self.sample(setting)["set"], **self.pictures()}

    def training(self, setting: str, method: str) -> dict[str, Any]:
        """Return how many patches there are, and the weight of the 1-norm in the loss."""
        samples = self.sizes.samples.model_dump(include={"train", "validation"})
        return {"samples": samples, "lasso_weight": self.parameters.lasso_weight}

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the patches of the search, and after how many iterations it compares."""
        return {"depth": self.sizes.depth, "validation": self.sizes.samples.validation}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return the depth of the nets, and how far classical methods are followed beyond."""
        return {"depth": self.sizes.depth, "iterations": self.sizes.solver_iterations}

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that the report reads: also the values of all pictures."""
        return super().compared(function) | {"runs": self.tables()["runs"]["table"]}

    def departures(self) -> dict[str, str]:
        """Return where methods are not what their papers describe: here all begin as ISTA."""
        told = super().departures()
        for label, words in told.items():
            parts = [part for part in words.split("; ") if "start with" not in part]
            told[label] = "; ".join(part for part in parts if "starts with" not in part)
        return {label: words for label, words in told.items() if words}

    def facts(self) -> dict[str, Any]:
        """Return the ratio and the measurements of each setting, and what others published."""
        p = self.parameters
        ratios = {name: [one.ratio, one.mean, p.count(name)] for name, one in p.settings.items()}
        found = {"ratios": ratios, "pictures": self.source, "published": []}
        if p.published_curves is not None:
            rows = read_rows(p.published_curves)
            here = [row for row in rows if row["panel"] in p.settings]
            found["published"] = [[row["panel"], row["method"], row["psnr"]] for row in here]
        return found
