"""What the steps of all figures share."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from l2o.artifacts.tasks import Task
from l2o.config.loading import unknown_key
from l2o.config.sections import PRESETS
from l2o.errors import InputError
from l2o.layout import FigureLayout
from l2o.optimizers.registry import KINDS, methods
from l2o.provenance import Step

DEFAULT_PRESET = "laptop"  # its figures and tables are also shown at the top of reports/


class FigureSteps(ABC):
    """All steps of one figure under one preset.

    Parameters
    ----------
    path : the parameter file
    preset : one of :data:`l2o.config.sections.PRESETS`

    Raises
    ------
    InputError : bad parameters or an unknown preset.

    A subclass names its figure, its parameters and its layout, and yields its tasks.
    """

    figure_name: ClassVar[str]
    load: ClassVar[Callable[..., Any]]
    make_layout: ClassVar[type[FigureLayout]]

    def __init__(self, path: str | Path, preset: str) -> None:
        self.path, self.preset = Path(path), preset
        self.experiment = type(self).load(path, known_hyperparameters())
        self.sizes = chosen_preset(self.experiment, self.path, preset)
        self.layout = self.make_layout(preset)

    @abstractmethod
    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""

    @property
    @abstractmethod
    def learned(self) -> list[str]:
        """Names of the methods that are trained."""

    @property
    def settings(self) -> list[str]:
        """Names of the settings that have artifacts of their own."""
        return list(self.experiment.settings)

    @abstractmethod
    def curves(self) -> Step:
        """Join the curves of all settings and methods."""

    @abstractmethod
    def timings(self) -> Step:
        """Join the measured seconds of solving and of training."""

    @abstractmethod
    def titles(self) -> dict[str, str]:
        """Return the titles of the panels, by setting."""

    @abstractmethod
    def tasks(self) -> Iterator[Task]:
        """Yield every job with its artifacts, inputs before what is made of them."""

    def released(self) -> list[Path]:
        """Return the artifacts that the repository brings along: none, unless said otherwise."""
        return []

    def compared(self) -> dict[str, Step]:
        """Return the tables that figure and comparison are made from, by name."""
        return {"curves": self.curves()}

    def table(self) -> Step:
        """Set the results beside the published ones."""
        return self._report("table", f"l2o.figures.{self.figure_name}_table", "pandas")

    def figure(self) -> Step:
        """Draw the figure."""
        return self._report("figure", f"l2o.figures.{self.figure_name}", "pandas", "matplotlib")

    def _report(self, name: str, module: str, *libraries: str) -> Step:
        parameters = {
            "preset": self.preset,
            "note": self.sizes.note,
            "titles": self.titles(),
            "published_curves": content_hash(self.experiment.published_curves),
        }
        return Step(name, parameters, (module,), self.compared(), libraries)

    def table_page(self) -> Step:
        """Set the table as a page for the report."""
        parameters = {"preset": self.preset, "note": self.sizes.note, "titles": self.titles()}
        modules = ("l2o.figures.table_page",)
        return Step("table page", parameters, modules, {"table": self.table()}, ("pandas",))

    def results(self) -> dict[str, Step]:
        """Return the steps that a reader wants, by the path of what they write."""
        at, table, figure = self.layout, self.table(), self.figure()
        steps = {at.figure: figure, at.picture: figure, at.table: table, at.table_text: table}
        return {**steps, at.timings: self.timings()}

    def last_tasks(self) -> Iterator[Task]:
        """Yield the jobs that every figure ends with: comparison and figure."""
        at, name = self.layout, self.figure_name
        yield task_of(f"{name}_table", self.table(), at.table, at.table_text, at.metrics)
        yield task_of(name, self.figure(), at.figure, at.picture)

    def report_tasks(self) -> Iterator[Task]:
        """Yield the jobs that only the report needs."""
        rule = f"{self.figure_name}_table_page"
        yield task_of(rule, self.table_page(), self.layout.table_page)


def front_page(steps: FigureSteps) -> Step:
    """Copy the reports of the default preset to the top."""
    results = steps.results()
    return copies({path: results[path] for path in steps.layout.front_page.values()})


def copies(originals: Mapping[str, Step]) -> Step:
    """Copy files, given with the steps that made them, to the top."""
    inputs = {Path(path).name: step for path, step in originals.items()}
    return Step("copy", {}, ("l2o.layout",), inputs, ())


def front_page_task(steps: FigureSteps) -> Task:
    """Return the job that copies the reports to the top; nothing else needs it."""
    copies = tuple(map(Path, steps.layout.front_page))
    return Task(f"{steps.layout.figure_name}_front_page", (), front_page(steps), copies)


def chosen_preset(experiment: Any, path: Path, preset: str) -> Any:
    """Return the sizes and budgets of a preset.

    Raises
    ------
    InputError : there is no such preset, or the file lacks it.
    """
    if preset not in PRESETS:
        raise unknown_key("params/run.yaml", f"preset {preset}", list(PRESETS))
    if preset not in experiment.presets:
        raise InputError(path, f"presets.{preset}", "this key is missing", "add the preset")
    return experiment.presets[preset]


def known_hyperparameters() -> dict[str, dict[str, set[str]]]:
    """Return the names of the hyperparameters of all methods, by kind and method."""
    return {
        kind: {name: set(head.hyperparameters) for name, head in methods(kind).items()}
        for kind in KINDS
    }


def task_of(rule: str, step: Step, *patterns: str, **wildcards: str) -> Task:
    """Return the job of a rule whose outputs have these patterns of paths."""
    paths = tuple(Path(pattern.format(**wildcards)) for pattern in patterns)
    return Task(rule, tuple(sorted(wildcards.items())), step, paths)


def content_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file that the repository brings along.

    Raises
    ------
    InputError : it is missing.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise InputError(path, "", problem, "restore it: `git checkout -- FILE`") from error
