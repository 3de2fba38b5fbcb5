"""The jobs of the search for update rules."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from l2o.artifacts.job import Artifact, Job
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.rule_search.parameters import HOME, Parameters
from l2o.provenance import NUMERICAL_LIBRARIES

JUDGED = "l2o.training.rule_proxy"  # what rules and rates are judged by


class RuleSearch(Experiment):
    """Formulas of the gradient and its running means are searched for the one that trains a small
    network best: by regularised evolution, and by as many rules drawn at random. The best rule of
    each is tried on networks that no search has seen, beside Adam, RMSProp, momentum, PowerSign and
    AddSign, each at the rate that was best in the training that rules are judged by.

    Source: Bello et al. 2017, *Neural Optimizer Search with Reinforcement Learning*; Real et al.
    2019; *Learning to Optimize: A Primer and A Benchmark*, Table 1.
    """

    title, model, value = "Update rules found by a search", Parameters, ("iteration", "loss")

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return f"{self.sizes.runs:,} run{'s' * (self.sizes.runs != 1)}"

    def problem(self, setting: str) -> dict[str, Any]:
        """Return images, network and minibatches."""
        self.place(setting)
        one = self.parameters.settings[setting]
        return one.model_dump(include={"images", "hidden", "minibatch"})

    def sample(self, setting: str) -> None:
        """Return nothing: an evaluation draws its starts, few as they are."""
        self.place(setting)

    def data(self, setting: str) -> dict[str, Artifact]:
        """Return nothing: searches take the digits that scikit-learn brings along."""
        return {}

    def test_data(self, setting: str) -> dict[str, Artifact]:
        """Return what an evaluation reads: MNIST, where its images are."""
        if self.problem(setting)["images"] != "mnist":
            return {}
        return {"digits": shared.digits(self.preset)["set"]}

    def judged(self, method: str) -> dict[str, Any]:
        """Return the parameters of all that rules and rates are judged by."""
        p, budget = self.parameters, self.parameters.budget(self.preset, HOME, method)
        given = {**self.running(), **self.contestant(method).parameters(), "setting": HOME}
        given |= p.model_dump(include={"rates", "proxy", "device"})
        return given | {"training": budget.model_dump()}

    def train(self, setting: str, method: str) -> Job:
        """Search for a rule."""
        wildcards = {**self.place(setting, [HOME]), "setting": HOME, "method": method}
        sources = [self.work("train"), self.contestant(method).head.module]
        given = {"resources": self.resources("train", setting)}
        return self.job("train", wildcards, self.judged(method), {}, sources, **given)

    def tune(self, setting: str, method: str) -> Job | None:
        """Try all rates where rules are judged; nothing for what a search has found."""
        who = self.contestant(method)
        wildcards = {**self.place(setting, [HOME]), "setting": HOME, "method": method}
        if who.trained:
            return None
        sources = [self.work("tune"), who.head.module]
        given = {"resources": self.resources("tune", setting)}
        return self.job("tune", wildcards, self.judged(method), {}, sources, **given)

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return how many runs there are, how long they are, and where their loss is followed."""
        return self.sizes.model_dump(include={"runs", "iterations", "monitored"})

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, seconds of a step, and what was tried in searches."""
        found, names, everyone = super().tables(), product(self.settings, self.contestants), {}
        taken = {f"{setting}/{name}": self.evaluate(setting, name) for setting, name in names}
        seconds = {place: job["seconds"] for place, job in taken.items()}
        found["speeds"] = self.join("speeds", seconds)
        for name, who in self.contestants.items():
            job, role = (self.train, "history") if who.trained else (self.tune, "tuned")
            everyone.setdefault(role, {})[name] = job(HOME, name)[role]
        if rates := everyone.get("tuned"):
            found["tuned"] = self.join("tuned", rates)
        if histories := everyone.get("history"):
            labels = {name: self.contestants[name].head.label for name in histories}
            work = self.work("searches")
            found["searches"] = self.join("searches", histories, work, labels=labels)
        return found

    def job(self, kind: str, wildcards: Mapping[str, str], *given: Any, **more: Any) -> Job:
        """Return a job as any experiment does; computations read the digits of scikit-learn."""
        if kind in ("train", "tune", "evaluate"):
            more.setdefault("libraries", (*NUMERICAL_LIBRARIES, "scikit-learn"))
        return super().job(kind, wildcards, *given, **more)
