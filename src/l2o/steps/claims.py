"""The step that tests the paper's claims on the tables of all figures that they are about."""

from __future__ import annotations

from collections.abc import Mapping

from l2o.artifacts.tasks import Task
from l2o.claims import FIGURES, TABLES
from l2o.layout import CLAIMS, CLAIMS_FRONT_PAGE, CLAIMS_TEXT
from l2o.provenance import Step
from l2o.steps.common import FigureSteps, copies, task_of


def tested_tables(figures: Mapping[str, FigureSteps]) -> dict[tuple[str, str], Step]:
    """Return the steps of the tables that the claims read, by figure and name of the table.

    Figures without claims are left out; claims about figures that are not given are not tested.
    """
    return {
        (name, table): step
        for name in FIGURES
        if name in figures
        for table, step in figures[name].compared().items()
        if table in TABLES
    }


def tested_paths(figures: Mapping[str, FigureSteps]) -> list[str]:
    """Return where these tables lie, in the same order: layouts call them by the same names."""
    return [getattr(figures[name].layout, table) for name, table in tested_tables(figures)]


def budget_note(figures: Mapping[str, FigureSteps]) -> str:
    """Return what the preset means for the figures with claims; what holds for all is said once."""
    of: dict[str, list[str]] = {}
    for name in FIGURES:
        if name in figures:
            of.setdefault(figures[name].sizes.note, []).append(name)
    if len(of) == 1:
        return next(iter(of))
    return "; ".join(f"{', '.join(names)}: {note}" for note, names in of.items())


def claims(figures: Mapping[str, FigureSteps], preset: str) -> Step:
    """Test the paper's claims."""
    parameters = {"preset": preset, "note": budget_note(figures)}
    modules = ("l2o.claims.table", "l2o.storage.tables")
    inputs = {" ".join(key): step for key, step in tested_tables(figures).items()}
    return Step("claims", parameters, modules, inputs, ("pandas", "numpy"))


def claims_task(figures: Mapping[str, FigureSteps], preset: str) -> Task:
    """Return the job that does."""
    return task_of("claims", claims(figures, preset), *results(preset))


def results(preset: str) -> list[str]:
    """Return the paths of what it writes: CSV and Markdown."""
    return [pattern.format(preset=preset) for pattern in (CLAIMS, CLAIMS_TEXT)]


def front_page(figures: Mapping[str, FigureSteps], preset: str) -> tuple[Step, dict[str, str]]:
    """Copy the verdicts of the default preset to the top: the step, and originals by copy."""
    original = CLAIMS_TEXT.format(preset=preset)
    return copies({original: claims(figures, preset)}), {CLAIMS_FRONT_PAGE: original}


def front_page_task(figures: Mapping[str, FigureSteps], preset: str) -> Task:
    """Return the job that copies them; nothing else needs it."""
    return task_of("claims_front_page", front_page(figures, preset)[0], CLAIMS_FRONT_PAGE)
