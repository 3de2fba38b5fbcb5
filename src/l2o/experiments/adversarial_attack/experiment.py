"""The jobs of adversarial attacks: classifiers are trained first, then what attacks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from l2o.artifacts.job import Artifact, Job
from l2o.config.classifier import VICTIM
from l2o.experiments import shared
from l2o.experiments.adversarial_attack.parameters import Parameters
from l2o.experiments.experiment import Experiment
from l2o.optimizers.registry import methods

CONTAINED = "pgd_falling"  # as which the trainings of learned attacks begin


class AdversarialAttack(Experiment):
    """The inner maximisation of adversarial training: the loss of a small ConvNet on MNIST, as high
    as it gets within an L-infinity ball around each image, against the number of gradients. Two
    classifiers are attacked, one trained on clean images and one on attacked ones; attacks by hand
    have the best step of a recorded search, learned ones were trained on the same classifier and
    other images. Source: Madry et al. 2018; *Learning to Optimize: A Primer and A Benchmark*,
    eq. (8).
    """

    report, title = "attack", "Adversarial attacks"
    model, value, tuned = Parameters, ("iteration", "loss"), True
    measurements = ("untrained",)

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the ball, which digits there are, how long attacks are and where they start."""
        self.place(setting)
        given = self.parameters.model_dump(include={"eps", "start_scale"})
        given |= {"iterations": self.parameters.settings[setting].gradients}
        return given | {"samples": self.sizes.samples.model_dump()}

    def sample(self, setting: str) -> None:
        """Return nothing: the images are MNIST's."""

    def data(self, setting: str) -> dict[str, Artifact]:
        """Return what trainings, searches and evaluations read: images and the classifier."""
        victim = self.train(self.parameters.home(setting), VICTIM)["checkpoint"]
        return {"digits": shared.digits(self.preset)["set"], VICTIM: victim}

    def train(self, setting: str, method: str) -> Job:
        """Train the classifier of a setting, or a learned attack on it."""
        if method == VICTIM:
            return self._victim(setting)
        job = super().train(setting, method)
        search = self.tune(setting, method) if method in self.parameters.begin else None
        if search is not None and "start" not in job.reads:
            job = replace(job, reads={**job.reads, "start": search["tuned"]})
            self._made["train", *job.wildcards.values()] = job
        return job

    def _victim(self, setting: str) -> Job:
        p = self.parameters
        wildcards = {**self.place(setting, p.training_settings), "method": VICTIM}
        victim = p.settings[setting].victim
        parameters = {"setting": setting, "method": VICTIM, "device": p.device}
        parameters |= {**self.running(), "victim": victim, "eps": p.eps}
        parameters["samples"] = self.sizes.samples.model_dump()
        parameters["training"] = getattr(self.sizes.victims, victim).model_dump()
        reads = {"digits": shared.digits(self.preset)["set"]}
        given = {"resources": self.resources("train", setting)}
        return self.job("train", wildcards, parameters, reads, [self.work("train")], **given)

    def training_of(self, setting: str, method: str) -> Job | None:
        """Return the training behind an evaluation; None for what is not trained."""
        self.place(setting)
        return super().training_of(self.parameters.home(setting), method)

    def tune(self, setting: str, method: str) -> Job | None:
        """Search the hyperparameters of an attack, or as what the training of one begins."""
        begin = self.parameters.begin.get(method)
        if begin is None:
            return super().tune(setting, method)
        wildcards = {**self.place(setting), "method": method}
        if self.parameters.home(setting) != setting:
            return None
        parameters = {"setting": setting, "method": method, "searched": CONTAINED}
        parameters |= {**self.running(), **self.problem(setting), "kind": "first_order"}
        parameters |= {"hyperparameters": {}, "grid": begin.model_dump()}
        sources = [self.work("tune"), methods("first_order")[CONTAINED].module]
        given = {"resources": self.resources("tune", setting)}
        return self.job("tune", wildcards, parameters, self.data(setting), sources, **given)

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Measure learned attacks as their trainings begin with them."""
        found = {name: who for name, who in self.contestants.items() if who.trained}
        told = {name: who.parameters() for name, who in found.items()}
        homes = self.parameters.training_settings
        reads, sources = {}, [self.work(f"measure_{name}")]
        for setting in homes:
            reads |= {f"{role} {setting}": one for role, one in self.data(setting).items()}
            for method in found:
                if (start := self.train(setting, method).reads.get("start")) is not None:
                    reads[f"start {method} {setting}"] = start
        for method in found:
            sources += self.solvers(method)
        parameters = {**self.running(), "methods": told}
        parameters["settings"] = {setting: self.problem(setting) for setting in homes}
        given = {"resources": self.resources("evaluate", "")}
        return self.job("measure", wildcards, parameters, reads, sources, **given)

    def tables(self) -> dict[str, Job]:
        """Return the tables that all have, and what learned attacks are before their training."""
        return super().tables() | self.measured_tables()

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that the report reads: also the losses of all images."""
        return super().compared(function) | {"runs": self.tables()["runs"]["table"]}

    def facts(self) -> dict[str, Any]:
        """Return who is attacked in which setting, and for how many gradients."""
        settings = self.parameters.settings.items()
        return {name: [one.victim, one.gradients] for name, one in settings}
