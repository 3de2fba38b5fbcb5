"""The jobs of shifts: one for each setting of an experiment and each kind of shift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

from l2o.artifacts.job import Job
from l2o.config.nearest import unknown_key
from l2o.errors import InputError
from l2o.experiments.derived import Derived, known_here
from l2o.experiments.experiment import Experiment
from l2o.experiments.room import Contestant
from l2o.experiments.shifts.parameters import Grid, Parameters

SHIFTS = {  # kinds of shift, as titles of panels have them
    "density": "density",
    "snr_db": "noise",
    "amplitude": "amplitudes",
    "dictionary": "A turned",
    "lam": "λ",
    "alpha": "α",
    "size": "size",
}
OF_METHODS = ("depth", "continued_with", "published_shift")  # what an evaluation says of a method


class Origin(NamedTuple):
    """An experiment in one setting: the work, the law that methods know, what else defines it."""

    work: str
    law: dict[str, Any]
    problem: dict[str, Any]


def _recovery(one: Experiment, setting: str) -> Origin:
    law = {"density": one.parameters.density, "snr_db": one.parameters.settings[setting].snr_db}
    return Origin("recover", law | {"amplitude": "gaussian", "dictionary": 0.0}, {})


def _lasso(one: Experiment, setting: str) -> Origin:
    problem = one.parameters.model_dump(include={"lam", "density", "start_scale"})
    return Origin("minimise", {"lam": 1.0, "dictionary": 0.0, "size": 1.0}, problem)


def _rastrigin(one: Experiment, setting: str) -> Origin:
    problem = one.parameters.model_dump(include={"alpha", "start_scale"})
    return Origin("escape", {"alpha": 1.0, "size": 1.0}, problem | {"n": one.sizes.sizes[setting]})


ORIGINS = {"sparse_recovery": _recovery, "lasso": _lasso, "rastrigin": _rastrigin}


class Panel(NamedTuple):
    """One kind of shift in one setting of an experiment."""

    one: Experiment
    grid: Grid
    setting: str
    shift: str


class Shifts(Derived):
    """What is left of learned and classical methods where the instances have another law.

    Nets keep what they were trained with, classical methods what was tuned for them, on the law of
    Figures 5 to 7; then density, noise, amplitudes, A, λ, α or the size are others. Methods are
    ranked by what they lose and how far they fall behind the best one that knows the new law.
    """

    title, model = "Out of distribution", Parameters
    value = ("position", "left_db")

    def _check(self) -> None:
        place, solved = f"presets.{self.preset}.grids", self.parameters.solved_db
        for name in solved:
            self.other(name, "solved_db")
        for name, grid in self.sizes.grids.items():
            one = self.other(name, place)
            if name not in solved:
                remedy = "say below what its errors count as none"
                raise InputError(self.path, f"solved_db.{name}", "this key is missing", remedy)
            if one.name not in ORIGINS:
                raise InputError(self.path, f"{place}.{name}", "cannot be shifted", "drop it")
            if bool(grid.iterations) is (one.name == "sparse_recovery"):
                problem = "nets are evaluated at their depth" if grid.iterations else "are missing"
                remedy = "drop them" if grid.iterations else "say where methods are compared"
                raise InputError(self.path, f"{place}.{name}.iterations", problem, remedy)
            if [*grid.iterations] != sorted({*grid.iterations}):
                place = f"{place}.{name}.iterations"
                raise InputError(self.path, place, "are not in ascending order", "sort them")
            for setting, shifts in grid.settings.items():
                known_here(self, f"{place}.{name}.settings", setting, one.settings)
                law = ORIGINS[one.name](one, setting).law
                for shift in shifts:
                    known_here(self, f"{place}.{name}.settings.{setting}", shift, law)
        super()._check()

    @cached_property
    def panels(self) -> dict[str, Panel]:
        """All kinds of shift in all settings, by the name of the measurement."""
        found = {}
        for name, grid in self.sizes.grids.items():
            one = self.other(name, "")
            if [*self._methods(one)]:
                for setting, shifts in grid.settings.items():
                    for shift in shifts:
                        panel = Panel(one, grid, setting, shift)
                        found[f"{name}_{setting}_{shift}{self.ending}"] = panel
        return found

    @property
    def settings(self) -> list[str]:
        """The names of the panels."""
        return [*self.panels]

    def _methods(self, one: Experiment) -> Iterator[tuple[str, Contestant]]:
        """Yield the methods of an experiment that take part; an oracle is none."""
        for name, who in one.contestants.items():
            if who.kind != "oracle" and (not self.only or name in self.only):
                yield name, who

    @cached_property
    def contestants(self) -> dict[str, Contestant]:
        """The methods of all experiments that take part, by name."""
        ones = [self.other(name, "") for name in self.sizes.grids]
        return {name: who for one in ones for name, who in self._methods(one)}

    def titles(self) -> dict[str, str]:
        """Return the titles of the panels."""
        return {
            name: f"{panel.one.titles()[panel.setting]}: {SHIFTS[panel.shift]}".replace("\n", ", ")
            for name, panel in self.panels.items()
        }

    def pooled(self) -> str:
        """Return what a point pools: as many as the test set of the experiment has."""
        return "test instances"

    def departures(self) -> dict[str, str]:
        """Return where methods are not what their papers describe, by label and experiment."""
        ones = {panel.one.base: panel.one for panel in self.panels.values()}
        pairs = ((name, pair) for name, one in ones.items() for pair in one.departures().items())
        return {f"{label} ({name})": words for name, (label, words) in pairs}

    def facts(self) -> dict[str, Any]:
        """Return titles, what counts as solved, and counts of instances, by experiment."""
        ones = {panel.one.base: panel.one for panel in self.panels.values()}
        return {
            "experiments": {name: one.title for name, one in ones.items()},
            "solved_db": {name: self.parameters.solved_db[name] for name in ones},
            "instances": {name: one.sizes.samples.test for name, one in ones.items()},
        }

    def measure(self, measurement: str) -> Job:
        """Evaluate all methods of an experiment under all values of one shift in one setting."""
        if measurement not in self.panels:
            raise unknown_key(self.name, measurement, list(self.panels))
        one, grid, setting, shift = self.panels[measurement]
        origin = ORIGINS[one.name](one, setting)
        parameters = {"experiment": one.base, "setting": setting, "shift": shift}
        parameters |= {"values": with_home(grid.settings[setting][shift], origin.law[shift])}
        parameters |= {"law": origin.law, "samples": one.sizes.samples.test, **origin.problem}
        parameters |= self.parameters.model_dump(include={"seed", "compute_threads"})
        parameters["solved_db"] = self.parameters.solved_db[one.base]
        if grid.iterations:
            parameters |= {"iterations": grid.iterations, "starts": grid.starts}
        reads = {} if origin.work == "escape" else {"set": one.sample(setting)["set"]}
        methods, sources = {}, [self.work(origin.work)]
        for name, who in self._methods(one):
            told = one.evaluation(setting, name)
            of_it = {key: told[key] for key in OF_METHODS if key in told}
            if "depth" in of_it:
                of_it["iterations"] = of_it["depth"]  # of a classical solver
            methods[name] = {**who.parameters(), "label": who.head.label, **of_it}
            if (training := one.training_of(setting, name)) is not None:
                reads[name] = training["checkpoint"]
            if (tuned := one.tune(setting, name)) is not None:
                reads[f"tuned {name}"] = tuned["tuned"]
            sources += one.solvers(name)
        return self.job(
            "measure",
            {"experiment": self.name, "measurement": measurement},
            parameters | {"methods": methods},
            reads,
            sources,
            resources=replace(one.resources("evaluate", setting), minutes=60),
        )

    def tables(self) -> dict[str, Job]:
        """Return the job that joins the rows of all panels."""
        return {"values": self.join("values", {n: self.measure(n)["table"] for n in self.panels})}


def with_home(values: tuple[Any, ...], home: Any) -> list[Any]:
    """Return the values of a shift with the unshifted one at its place; no noise comes last."""
    others = [value for value in dict.fromkeys(values) if value != home]
    if home is None:
        return [*sorted(others), None]
    return sorted([*others, home]) if not isinstance(home, str) else [home, *others]
