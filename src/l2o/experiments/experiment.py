"""What an experiment is: a room that declares its parameters, and the jobs that follow from them.

A room is a folder of this package with

- ``experiment.py``: a subclass of :class:`Experiment`, light to import; its docstring tells the
  report what it is about
- ``problem.py``: the work of its jobs, one function a kind: ``sample``, ``train``, ``evaluate``...
- ``report.py``: ``figure`` and ``table``, declared for the shared drawing code; for the explorer
  of :mod:`l2o.site` also what they show (``REPORT`` or ``MEASURES``), and perhaps ``levels``
- ``claims.py``, where the paper makes claims.

A work sees the parameters that its job names, and no others: so a key never misses one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

from l2o.artifacts.job import Artifact, Job, Resources, ordered
from l2o.config.nearest import unknown_key
from l2o.experiments.room import Room
from l2o.optimizers.registry import methods
from l2o.variants import PUBLISHED

WORKS = "l2o.experiments.works"
MINUTES = {"tune": 30, "train": 60, "evaluate": 15, "time": 30}  # of a job, at its first attempt
JOINED = ("curves", "finals", "runs")  # tables of all settings and methods
APART = {  # figures that read other tables than the comparison does
    "profiles_figure": ("curves", "finals", "runs"),
    "cost_figure": ("curves", "finals", "runs", "timings", "seconds"),
}


class Experiment(Room):
    """An experiment under one preset: its jobs. A room says what they read, and what differs."""

    unread: ClassVar[tuple[str, ...]] = (
        "tuned",
        "runs",
    )  #: tables that figure and table do without

    def problem(self, setting: str) -> dict[str, Any]:
        """Return the parameters that define the problem of a setting."""
        raise NotImplementedError

    def running(self) -> dict[str, Any]:
        """Return the parameters that every computation reads."""
        return self.parameters.model_dump(include={"seed", "compute_threads"})

    def sample(self, setting: str) -> Job:
        """Draw the optimizee set of a setting."""
        wildcards = self.place(setting)
        parameters = {"setting": setting, "seed": self.parameters.seed}
        parameters["samples"] = self.sizes.samples.model_dump()
        parameters |= {**self.problem(setting), **self.drawing(setting)}
        return self.job("sample", wildcards, parameters, libraries=("numpy", "h5py"))

    def drawing(self, setting: str) -> dict[str, Any]:
        """Return the parameters that draw a set beside those of the problem."""
        return {}

    def data(self, setting: str) -> dict[str, Artifact]:
        """Return what trainings and evaluations of a setting read."""
        return {"set": self.sample(setting)["set"]}

    def test_data(self, setting: str) -> dict[str, Artifact]:
        """Return what evaluations of a setting read, if it is not what trainings read."""
        return self.data(setting)

    def resources(self, kind: str, setting: str) -> Resources:
        """Return what a scheduler is told of a job of a kind on a setting."""
        gpu = kind == "train" and self.parameters.device == "cuda"
        return Resources(1600, MINUTES[kind], self.parameters.compute_threads, gpu)

    def train(self, setting: str, method: str) -> Job:
        """Train a method on a setting."""
        who, p = self.contestant(method), self.parameters
        parameters = {"setting": setting, "device": p.device, **self.problem(setting)}
        parameters |= {**self.running(), **who.parameters(), **self.training(setting, method)}
        budget = p.budget(self.preset, setting, who.name, who.variant)
        reads, sources = self.data(setting), [self.work("train"), who.head.module]
        if who.kind == "unrolled":
            parameters |= {"depth": self.sizes.depth, "training": budget.model_dump()}
            there, _, contained = budget.start.rpartition("/")
            if contained == who.head.contains != "":
                reads["start"] = self.train(there or setting, contained)["checkpoint"]
        else:
            parameters["meta_training"] = budget.model_dump()
            if budget.imitation > 0:
                parameters["teacher"] = p.teacher
                sources += [methods("first_order")[name].module for name in p.teacher]
        return self.job(
            "train",
            {**self.place(setting, p.training_settings), "method": who.entry},
            parameters,
            reads,
            sources,
            resources=self.resources("train", setting),
        )

    def training(self, setting: str, method: str) -> dict[str, Any]:
        """Return the parameters of a training beside problem, method and budget."""
        return {}

    def training_of(self, setting: str, method: str) -> Job | None:
        """Return the training behind an evaluation; None for what is not trained."""
        return self.train(setting, method) if self.contestant(method).trained else None

    def published_training_of(self, setting: str, method: str) -> Job | None:
        """Return the training by the published recipe; None where there is none."""
        who = self.recipes.get(method)
        return None if who is None else self.training_of(setting, who.entry)

    def tune(self, setting: str, method: str) -> Job | None:
        """Search the hyperparameters of a method that has a grid; None for others."""
        who, grid = self.contestant(method), self.parameters.grid.get(method)
        if not (self.tuned and grid):
            return None
        parameters = {**self.running(), **self.problem(setting), **who.parameters()}
        parameters |= {"setting": setting, "grid": grid, **self.tuning(method)}
        wildcards = {**self.place(setting), "method": method}
        sources = [self.work("tune"), who.head.module]
        given = {"resources": self.resources("tune", setting)}
        return self.job("tune", wildcards, parameters, self.data(setting), sources, **given)

    def tuning(self, method: str) -> dict[str, Any]:
        """Return the parameters of the search."""
        return {}

    def optima(self, setting: str) -> Job | None:
        """Find what results are held against; None where nothing has to be found."""
        return None

    def held_against(self, setting: str) -> Job | None:
        """Return the optima that an evaluation reads."""
        return self.optima(setting)

    def evaluate(self, setting: str, method: str) -> Job:
        """Follow a method on the test set of a setting."""
        who = self.contestant(method)
        parameters = {"setting": setting, **self.problem(setting), **self.running()}
        parameters |= {**who.parameters(), **who.variants(), **self.evaluation(setting, method)}
        parameters["targets"] = self.parameters.targets.get(setting, ())
        reads, sources = self.test_data(setting), [self.work("evaluate"), *self.solvers(method)]
        for job, output, role in (
            (self.training_of(setting, method), "checkpoint", "checkpoint"),
            (self.published_training_of(setting, method), "checkpoint", PUBLISHED),
            (self.tune(setting, method), "tuned", "tuned"),
            (self.held_against(setting), "optima", "optima"),
        ):
            if job is not None:
                reads[role] = job[output]
        wildcards = {**self.place(setting), "method": method}
        given = {"files": self.recorded(), "resources": self.resources("evaluate", setting)}
        return self.job("evaluate", wildcards, parameters, reads, sources, **given)

    def solvers(self, method: str) -> list[str]:
        """Return the modules that run a method, found by its name and so in no import."""
        return [self.contestant(method).head.module]

    def recorded(self) -> dict[str, Path]:
        """Return the files that say at which iterations curves are recorded; none by default."""
        return {}

    def evaluation(self, setting: str, method: str) -> dict[str, Any]:
        """Return the parameters of an evaluation beside problem and method."""
        return {}

    def time(self, setting: str) -> Job | None:
        """Time all methods on a setting, one after the other in one job; None where none does."""
        if not self.timed_together:
            return None
        reads, sources, parameters = self.test_data(setting), [self.work("time")], {}
        for name, who in self.contestants.items():
            training = self.training_of(setting, name)
            if training is not None:
                reads[name] = training["checkpoint"]
            if (tuned := self.tune(setting, name)) is not None:
                reads[f"tuned {name}"] = tuned["tuned"]
            sources += self.solvers(name)
            parameters[name] = who.parameters() | self.evaluation(setting, name)
        parameters = {"methods": parameters, **self.problem(setting), **self.running()}
        parameters["setting"] = setting
        wildcards = {"report": self.report_name, "setting": self.place(setting)["setting"]}
        given = {"files": self.recorded(), "resources": self.resources("time", setting)}
        return self.job("time", wildcards, parameters, reads, sources, **given)

    def measure(self, measurement: str) -> Job:
        """Measure one of ``measurements``; errors as :meth:`contestant`."""
        name = measurement.removesuffix(self.ending)
        if name not in self.measurements:
            raise unknown_key(self.name, measurement, list(self.measurements))
        return self.measured(name, {"experiment": self.name, "measurement": measurement})

    def measured(self, name: str, wildcards: dict[str, str]) -> Job:
        """Return the job of one of ``measurements``; each has a work, ``measure_<name>``."""
        raise NotImplementedError

    def measured_tables(self) -> dict[str, Job]:
        """Return the tables of what is measured, where a learned method takes part."""
        if not any(who.trained for who in self.contestants.values()):
            return {}
        found = {name: self.measure(name + self.ending)["table"] for name in self.measurements}
        return {name: self.join(name, {name: table}) for name, table in found.items()}

    # Its reports

    def tables(self) -> dict[str, Job]:
        """Return the jobs that join the results of all settings and methods, by table."""
        found = {name: self._joined(name, self.evaluate) for name in JOINED}
        if self.tuned:
            found["tuned"] = self._joined("tuned", self.tune)
        if self.timed_together:
            timed = {setting: self.time(setting)["seconds"] for setting in self.settings}
            found["seconds"] = self.join("seconds", timed)
        return found

    def _joined(self, table: str, make: Any) -> Job:
        """Return the job that joins one table of every setting and method."""
        pairs = product(self.settings, self.contestants)
        made = {f"{s}/{m}": job[table] for s, m in pairs if (job := make(s, m)) is not None}
        return self.join(table, made)

    def join(
        self,
        table: str,
        reads: Mapping[str, Artifact],
        work: str = f"{WORKS}:join",
        **parameters: Any,
    ) -> Job:
        """Join tables row by row, or by another work."""
        wildcards = {"report": self.report_name, "table": table}
        libraries = () if work.startswith(WORKS) else ("numpy", "pandas")
        return self.job("join", wildcards, parameters, reads, [work], libraries)

    def timings(self) -> Job:
        """Set the seconds of solving beside those of training."""
        reads = {}
        for setting, method in product(self.settings, self.contestants):
            place = f"{setting}/{method}"
            if not self.timed_together:
                reads[f"solving {place}"] = self.evaluate(setting, method)["seconds"]
            for training, role in (
                (self.training_of(setting, method), "training"),
                (self.published_training_of(setting, method), PUBLISHED),
            ):
                if training is not None:
                    reads[f"{role} {place}"] = training["training_seconds"]
        if self.timed_together:
            reads["solving"] = self.tables()["seconds"]["table"]
        return self.join("timings", reads, f"{WORKS}:timings")

    def joined(self) -> dict[str, Job]:
        """Return all jobs that join tables: also those with seconds, which no two builds share."""
        found = {**self.tables(), "timings": self.timings()}
        return found | ({"profiles": self.profiles()} if self.parameters.targets else {})

    def profiles(self) -> Job:
        """Sum up how many runs reach each target, and when."""
        given = {**self.tables(), "timings": self.timings()}
        names = ("runs", "finals", "timings", "seconds")
        reads = {name: given[name]["table"] for name in names if name in given}
        targets = {"targets": self.parameters.targets}
        return self.join("profiles", reads, f"{WORKS}:profiles", **targets)

    def compared(self, function: str = "table") -> dict[str, Artifact]:
        """Return the tables that a function of ``report.py`` reads, by name."""
        found = self.joined() if function in APART else self.tables()
        names = APART.get(function, [name for name in found if name not in self.unread])
        return {name: found[name]["table"] for name in names if name in found}

    def told(self) -> dict[str, Any]:
        """Return what its figures and tables are told, see :class:`l2o.figures.about.About`."""
        return {
            "report": self.report_name,
            "title": self.title,
            "preset": self.preset,
            "note": self.sizes.note,
            "titles": self.titles(),
            "pooled": self.pooled(),
            "facts": self.facts(),
            "departures": self.departures(),
            "targets": self.parameters.targets,
        }

    def _reported(
        self, kind: str, wildcards: dict[str, str], function: str, *libraries: str
    ) -> Job:
        module = f"{self.room()}.report"
        published = self.parameters.published_curves
        parameters = {
            "declared": f"{module}:{function}",
            "published": {"settings": self.settings, "methods": list(self.contestants)},
            "about": self.told(),
        }
        return self.job(
            kind,
            wildcards,
            parameters,
            self.compared(function),
            [f"{WORKS}:{kind}", f"{module}:{function}"],
            ("pandas", "numpy", *libraries),
            {} if published is None else {"published": published},
        )

    def table(self) -> Job:
        """Compare all methods, with the published values where there are any."""
        return self._reported("table", {"report": self.report_name}, "table")

    def figure(self, name: str) -> Job:
        """Draw one of its figures."""
        if name not in self.figure_names:
            raise unknown_key("figure", name, list(self.figure_names))
        drawn = self.figure_names[name]
        return self._reported("figure", {"figure": name}, drawn, "matplotlib", "seaborn")

    def reports(self) -> list[Job]:
        """Return the jobs that write what a reader wants."""
        figures = [self.figure(name) for name in self.figure_names]
        return [*figures, self.table(), *self.joined().values()]

    def jobs(self) -> Iterator[Job]:
        """Yield every job, inputs before what is made of them."""
        return ordered(self.reports())

    def apart(self) -> list[Job]:
        """Return jobs that no report needs."""
        return []
