"""The jobs of the figure of compressive sensing: one figure and one table, of curves there are."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from l2o.artifacts.job import Job
from l2o.experiments.compressive_sensing.parameters import Parameters
from l2o.experiments.derived import Derived, known_here
from l2o.experiments.experiment import Experiment
from l2o.experiments.room import Contestant

JOINED = ("curves", "finals")


class CompressiveSensing(Derived):
    """Unrolled networks against ISTA and FISTA, without noise and with: curves of Figure 5.

    With it the survey shows that learned optimizers need far fewer iterations than popular
    iterative solvers. Nothing is trained for it. The survey took the figure from Liu, Chen, Wang &
    Yin 2019 (Figure 1) and no readings of it are at hand, so that nothing is compared with it.
    Source: *Learning to Optimize: A Primer and A Benchmark*, section 1, Figure 2.
    """

    report, title = "fig2", "Figure 2: compressive sensing"
    model, value = Parameters, ("layer", "nmse_db")

    @property
    def source(self) -> Experiment:
        """The experiment whose curves are shown."""
        return self.other(self.parameters.curves_of, "curves_of")

    def chosen(self) -> Any:
        """Return the sizes of the experiment whose curves are shown."""
        return self.source.sizes

    def _check(self) -> None:
        for name in self.settings:
            known_here(self, "settings", name, self.source.settings)
        for name in self.parameters.methods:
            if not self.only:  # else some of them are left out
                known_here(self, "methods", name, self.source.contestants)
        super()._check()

    @cached_property
    def contestants(self) -> dict[str, Contestant]:
        """The methods that are shown, by name, in the order of the file."""
        there = self.source.contestants
        wanted = [m for m in self.parameters.methods if not self.only or m in self.only]
        return {name: there[name] for name in wanted if name in there}

    def titles(self) -> dict[str, str]:
        """Return the titles of the panels."""
        titles = self.source.titles()
        return {name: titles[name].replace("\n", ", ") for name in self.settings}

    def pooled(self) -> str:
        """Return what a point of a curve pools."""
        return self.source.pooled()

    def departures(self) -> dict[str, str]:
        """Return where the methods that are shown are not what their papers describe."""
        shown = {who.head.label for who in self.contestants.values()}
        return {label: words for label, words in self.source.departures().items() if label in shown}

    def evaluate(self, setting: str, method: str) -> Job:
        """Return the evaluation behind a curve, a job of the other experiment."""
        self.place(setting)
        self.contestant(method)
        return self.source.evaluate(setting, method)

    def tables(self) -> dict[str, Job]:
        """Return the jobs that join the rows of the curves that are shown."""
        return {name: self._joined(name, self.evaluate) for name in JOINED}
