"""What the commands of all figures do alike: join tables, compare with published values, draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from l2o.artifacts.production import produce
from l2o.errors import InputError
from l2o.provenance import Step
from l2o.steps.common import FigureSteps
from l2o.storage.json_files import write_json


def join(tables: list[Path], out: Path, step: Step) -> None:
    """Join tables row by row; they are the inputs of the step, in order."""
    import pandas as pd

    from l2o.storage.tables import read_table, write_table

    inputs = dict(zip(tables, step.inputs.values(), strict=True))

    def work() -> None:
        write_table(out, pd.concat([read_table(path) for path in tables], ignore_index=True))

    produce(step, {"table": out}, inputs, work)


def timings(files: list[Path], out: Path, step: Step) -> None:
    """Set the seconds of solving (CSV), at the last row of each method, beside those of training.

    The latter are JSON files; all are the inputs of the step, in order.
    """
    import pandas as pd

    from l2o.storage.json_files import read_json
    from l2o.storage.tables import read_table, write_table

    inputs = dict(zip(files, step.inputs.values(), strict=True))

    def work() -> None:
        solved = [read_table(path) for path in files if path.suffix == ".csv"]
        solved = pd.concat(solved, ignore_index=True)
        last = solved.groupby(["setting", "method"], sort=False).last().reset_index()
        last = last.rename(columns={"seconds": "solve_seconds"})
        trained = pd.DataFrame([read_json(path) for path in files if path.suffix == ".json"])
        write_table(out, last.merge(trained, how="left", on=["setting", "method"]))

    produce(step, {"timings": out}, inputs, work)


def compare(
    steps: FigureSteps,
    tables: list[Path],
    outputs: Mapping[str, Path],
    table: Callable,
    metrics: Callable,
    write: Callable,
) -> None:
    """Write the comparison with the published values as CSV, Markdown and JSON metrics.

    Parameters
    ----------
    steps : of the figure
    tables : what is compared, curves first
    outputs : paths of ``table``, ``table_text`` and ``metrics``
    table, metrics, write : of the figure's module of tables; ``table`` is called with the curves,
        the published ones and the rest of the tables
    """
    from l2o.storage.tables import read_table

    def work() -> None:
        curves, *others = (read_table(path) for path in tables)
        rows = table(curves, published(steps), *others)
        files = outputs["table"], outputs["table_text"]
        write(*files, rows, steps.titles(), steps.preset, steps.sizes.note)
        write_json(outputs["metrics"], metrics(rows))

    produce(steps.table(), outputs, given_tables(steps, steps.compared(), tables), work)


def given_tables(
    steps: FigureSteps, makers: Mapping[str, Step], tables: list[Path]
) -> dict[Path, Step]:
    """Return the tables that a command was given, with the steps that must have made them.

    Raises
    ------
    InputError : another number of tables.
    """
    if len(tables) != len(makers):
        problem, wanted = f"{len(tables)} tables were given", " and ".join(makers)
        raise InputError(steps.path, "tables", problem, f"give {wanted}, in this order")
    return dict(zip(tables, makers.values(), strict=True))


def published(steps: FigureSteps):
    """Return the published curves of the settings that the parameter file asks for."""
    from l2o.storage.tables import read_table

    rows = read_table(steps.experiment.published_curves)
    return rows[rows["panel"].isin(steps.experiment.settings)]


def draw(
    steps: FigureSteps, step: Step, tables: Mapping[Path, Step], pdf: Path, png: Path, with_
) -> None:
    """Draw a figure as PDF and PNG.

    Parameters
    ----------
    steps, step : of the figure, and the one that draws it
    tables : the tables that are drawn, with the steps that made them
    with_ : called with them, preset, note, files, titles and key
    """
    from l2o.storage.tables import read_table

    def work() -> None:
        given = [read_table(path) for path in tables]
        with_(*given, steps.preset, steps.sizes.note, pdf, png, steps.titles(), step.key)

    produce(step, {"pdf": pdf, "png": png}, tables, work)


def draw_compared(
    steps: FigureSteps, tables: list[Path], outputs: Mapping[str, Path], with_: Callable
) -> None:
    """Draw the figure itself, as :func:`draw`, against the published curves.

    Parameters
    ----------
    tables : what is drawn, curves first
    outputs : paths of ``pdf`` and ``png``
    with_ : called with the tables, the published curves, and what :func:`draw` gives besides
    """

    def with_published(*given) -> None:
        count = len(tables)
        with_(*given[:count], published(steps), *given[count:])

    made = given_tables(steps, steps.compared(), tables)
    draw(steps, steps.figure(), made, outputs["pdf"], outputs["png"], with_published)


def write_table_page(steps: FigureSteps, table: Path, out: Path, page: Callable) -> None:
    """Write the comparison with the published values as an HTML page, made by ``page``."""
    from l2o.figures.pages import write_page
    from l2o.storage.tables import read_table

    def work() -> None:
        write_page(out, page(read_table(table), steps.titles(), steps.preset, steps.sizes.note))

    produce(steps.table_page(), {"page": out}, {table: steps.table()}, work)
