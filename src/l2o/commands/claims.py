"""The command that tests the paper's claims."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.errors import InputError
from l2o.steps import claims
from l2o.steps.figures import all_figures


def write_verdicts(tables: list[Path], outputs: Mapping[str, Path], preset: str) -> None:
    """Write the verdict on every claim as CSV and Markdown.

    Parameters
    ----------
    tables : what :func:`l2o.steps.claims.tested_paths` lists, in its order
    outputs : paths of ``table`` and ``table_text``
    preset : of all figures

    Raises
    ------
    InputError : another number of tables; one that is not valid, or not what the claims read.
    """
    figures = all_figures(preset)
    makers = claims.tested_tables(figures)
    if len(tables) != len(makers):
        wanted = ", ".join(claims.tested_paths(figures))
        problem = f"{len(tables)} tables were given for {len(makers)}"
        raise InputError("claims", "tables", problem, f"give {wanted}, in this order")

    def work() -> None:
        from l2o.claims.table import claims_table, write_claims
        from l2o.storage.tables import read_table

        given: dict[str, dict] = {}
        for (figure, name), path in zip(makers, tables, strict=True):
            given.setdefault(figure, {})[name] = read_table(path)
        files = outputs["table"], outputs["table_text"]
        write_claims(*files, claims_table(given), preset, claims.budget_note(figures))

    inputs = dict(zip(tables, makers.values(), strict=True))
    produce(claims.claims(figures, preset), outputs, inputs, work)
