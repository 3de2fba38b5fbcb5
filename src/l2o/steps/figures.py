"""All figures of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from l2o.artifacts.tasks import Task
from l2o.config.loading import unknown_key
from l2o.layout import PROVENANCE_PAGE
from l2o.provenance import Step
from l2o.steps import claims
from l2o.steps.common import FigureSteps, task_of
from l2o.steps.fig3 import Fig3Steps
from l2o.steps.fig5 import Fig5Steps
from l2o.steps.fig6 import Fig6Steps
from l2o.steps.fig7 import Fig7Steps
from l2o.steps.fig8 import Fig8Steps

FIGURES: dict[str, type[FigureSteps]] = {
    "fig3": Fig3Steps,
    "fig5": Fig5Steps,
    "fig6": Fig6Steps,
    "fig7": Fig7Steps,
    "fig8": Fig8Steps,
}


def figure_steps(name: str, preset: str) -> FigureSteps:
    """Return the steps of one figure from the repository's parameter file.

    Raises
    ------
    InputError : an unknown figure or preset, or bad parameters.
    """
    if name not in FIGURES:
        raise unknown_key("figure", name, list(FIGURES))
    return FIGURES[name](f"params/{name}.yaml", preset)


def all_figures(preset: str) -> dict[str, FigureSteps]:
    """Return the steps of every figure by its name; errors as :func:`figure_steps`."""
    return {name: figure_steps(name, preset) for name in FIGURES}


def all_tasks(figures: Mapping[str, FigureSteps], preset: str) -> Iterator[Task]:
    """Yield every job of all figures, and the claims; inputs first, what figures share once."""
    tasks = {task.name: task for steps in figures.values() for task in steps.tasks()}
    yield from tasks.values()
    yield claims.claims_task(figures, preset)


def provenance_page(figures: Mapping[str, FigureSteps], preset: str) -> Step:
    """Collect the records of all artifacts on a page for the report."""
    inputs = {path: step for steps in figures.values() for path, step in steps.results().items()}
    inputs |= dict.fromkeys(claims.results(preset), claims.claims(figures, preset))
    modules = ("l2o.figures.provenance_page", "l2o.layout")
    return Step("provenance page", {"preset": preset}, modules, inputs, ())


def provenance_task(figures: Mapping[str, FigureSteps], preset: str) -> Task:
    """Return the job that writes that page."""
    path = PROVENANCE_PAGE.format(preset=preset)
    return task_of("provenance_table", provenance_page(figures, preset), path)
