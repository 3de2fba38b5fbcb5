"""The jobs of black-box functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2o.artifacts.job import Job
from l2o.experiments.black_box.parameters import Parameters
from l2o.experiments.experiment import Experiment
from l2o.optimizers.registry import methods
from l2o.provenance import NUMERICAL_LIBRARIES

LIBRARIES = {  # beyond those of every computation, by kind of job
    "optima": ("scipy",),
    "evaluate": ("scipy", "scikit-learn"),
    "time": ("scipy", "scikit-learn"),
}
MODEL = "gp_ei"  # whom learned methods are held against


class BlackBox(Experiment):
    """Functions on the unit box that are seen by their values only: held-out draws from a Gaussian
    process, Branin, Hartmann with three and six unknowns, Rastrigin.

    An LSTM that turns the last query and its value into the next query is trained on draws, through
    which derivatives are taken, by three losses; it is held against Bayesian optimization, CMA-ES,
    TPE, a particle swarm and random search by simple regret: the lowest value so far less the
    minimum. Source: Chen et al. 2017; *Learning to Optimize: A Primer and A Benchmark*, section
    2.3, eqs. (6) and (7).
    """

    title, model, value = "Black-box functions", Parameters, ("iteration", "loss")
    figures, timed_together = ("seconds",), True

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return f"{self.sizes.runs:,} runs, each from a random query of its own"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the name of the function."""
        self.place(setting)
        return {"function": self.parameters.settings[setting].function}

    def sample(self, setting: str) -> Job:
        """Draw first queries, and the functions of draws."""
        one = self.parameters.settings[self.place(setting)["setting"]]
        parameters = {"setting": setting, "seed": self.parameters.seed, "runs": self.sizes.runs}
        parameters |= {**self.problem(setting), "dimension": one.unknowns}
        parameters |= {"lengthscales": one.lengthscales, "features": self.sizes.features}
        libraries = ("numpy", "h5py", "torch")
        return self.job("sample", self.place(setting), parameters, libraries=libraries)

    def optima(self, setting: str) -> Job:
        """Find the minimum of every function."""
        parameters = {**self.problem(setting), **self.sizes.oracle.model_dump()}
        parameters["compute_threads"] = self.parameters.compute_threads
        return self.job("optima", self.place(setting), parameters, self.data(setting))

    def train(self, setting: str, method: str) -> Job:
        """Train a net on draws of the dimension of a setting."""
        who, p = self.contestant(method), self.parameters
        wildcards = {**self.place(setting, p.training_settings), "method": who.entry}
        one, budget = p.settings[setting], p.budget(self.preset, setting, who.name)
        parameters = {"setting": setting, "device": p.device, **self.running(), **who.parameters()}
        parameters |= {"dimension": one.unknowns, "lengthscales": one.lengthscales}
        parameters["training"] = budget.model_dump()
        sources = [self.work("train"), who.head.module]
        given = {"resources": self.resources("train", setting)}
        return self.job("train", wildcards, parameters, {}, sources, **given)

    def training_of(self, setting: str, method: str) -> Job | None:
        """Return the training behind an evaluation; None for what is not trained."""
        self.place(setting)
        return super().training_of(self.parameters.home(setting), method)

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how many values a method may ask for."""
        return {"evaluations": self.sizes.evaluations}

    def facts(self) -> dict[str, Any]:
        """Return the queries after which tables look, and whom learned methods are held against."""
        last = self.sizes.evaluations
        marks = [mark for mark in self.parameters.marks if mark < last]
        label = methods("black_box")[MODEL].label
        return {"marks": [*marks, last], "model": MODEL, "model_label": label}

    def job(self, kind: str, wildcards: Mapping[str, str], *given: Any, **more: Any) -> Job:
        """Return a job as any experiment does, with the libraries that methods bring."""
        if kind in LIBRARIES:
            more.setdefault("libraries", (*NUMERICAL_LIBRARIES, *LIBRARIES[kind]))
        return super().job(kind, wildcards, *given, **more)
