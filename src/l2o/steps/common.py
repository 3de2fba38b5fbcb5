"""What the steps of all figures share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from l2o.artifacts.tasks import Task
from l2o.config.loading import unknown_key
from l2o.config.sections import PRESETS
from l2o.errors import InputError
from l2o.layout import FigureLayout
from l2o.optimizers.registry import KINDS, methods
from l2o.provenance import Step

DEFAULT_PRESET = "laptop"  # its figures and tables are also shown at the top of reports/


class FigureSteps(Protocol):
    """All steps of one figure under one preset."""

    preset: str
    layout: FigureLayout

    @property
    def learned(self) -> list[str]:
        """Names of the methods that are trained."""
        ...

    def summary(self) -> str:
        """Return what the parameters ask for, in a line."""
        ...

    def tasks(self) -> Iterator[Task]:
        """Yield every job with its artifacts, inputs before what is made of them."""
        ...

    def released(self) -> list[Path]:
        """Return the artifacts that the repository brings along."""
        ...

    def results(self) -> dict[str, Step]:
        """Return the steps that a reader wants, by the path of what they write."""
        ...

    def report_tasks(self) -> Iterator[Task]:
        """Yield the jobs that only the report needs."""
        ...


def front_page(steps: FigureSteps) -> Step:
    """Copy the reports of the default preset to the top."""
    originals, results = steps.layout.front_page.values(), steps.results()
    inputs = {Path(path).name: results[path] for path in originals}
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
