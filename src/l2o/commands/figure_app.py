"""The commands that every figure has: check, train, join, compare and draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from l2o.commands import comparison
from l2o.commands.common import Drawn, Out, Params, Preset
from l2o.steps.common import DEFAULT_PRESET, FigureSteps

Tables = Annotated[list[Path], typer.Argument(help="curves first, then what else is compared")]


def figure_app(
    about: str,
    make_steps: type[FigureSteps],
    params_file: Path,
    train_method: Callable,
    reports: tuple[Callable, Callable, Callable],
) -> typer.Typer:
    """Return the group of commands of a figure, to which its own are added.

    Parameters
    ----------
    about : help text of the group
    make_steps : steps of the figure
    params_file : the repository's parameter file
    train_method : called with setting, method, data, outputs by role, state, parameter file, preset
    reports : write the table, the figure and the table's page; called with the tables (for the
        page: the table and the page), outputs by role, parameter file and preset
    """
    app = typer.Typer(help=about, no_args_is_help=True)
    _add_training(app, make_steps, params_file, train_method)
    _add_joining(app, make_steps, params_file)
    _add_reports(app, params_file, reports)
    return app


def _add_training(
    app: typer.Typer, make_steps: type[FigureSteps], params_file: Path, train_method: Callable
) -> None:
    @app.command()
    def check(params: Params = params_file, preset: Preset = DEFAULT_PRESET) -> None:
        """Check the parameter file and say what it asks for."""
        print(make_steps(params, preset).summary())

    @app.command()
    def train(
        setting: str,
        method: str,
        data: Path,
        out: Path,
        history: Annotated[Path, typer.Option(help="loss history, CSV")],
        timing: Annotated[Path, typer.Option(help="seconds of training, JSON")],
        state: Annotated[Path, typer.Option(help="where an unfinished training is kept")],
        params: Params = params_file,
        preset: Preset = DEFAULT_PRESET,
    ) -> None:
        """Train METHOD on the set DATA of SETTING; interrupted, it goes on where it was."""
        outputs = {"checkpoint": out, "history": history, "training_seconds": timing}
        train_method(setting, method, data, outputs, state, params, preset)


def _add_joining(app: typer.Typer, make_steps: type[FigureSteps], params_file: Path) -> None:
    @app.command()
    def collect(
        tables: list[Path], out: Out, params: Params = params_file, preset: Preset = DEFAULT_PRESET
    ) -> None:
        """Join the curves of all settings and methods, in their order in the parameter file."""
        comparison.join(tables, out, make_steps(params, preset).curves())

    @app.command()
    def timings(
        files: list[Path], out: Out, params: Params = params_file, preset: Preset = DEFAULT_PRESET
    ) -> None:
        """Set the seconds of solving (CSV) beside those of training (JSON)."""
        comparison.timings(files, out, make_steps(params, preset).timings())


def _add_reports(
    app: typer.Typer, params_file: Path, reports: tuple[Callable, Callable, Callable]
) -> None:
    write_table, draw, write_page = reports

    @app.command()
    def table(
        tables: Tables,
        csv: Annotated[Path, typer.Option()],
        markdown: Annotated[Path, typer.Option()],
        metrics: Annotated[Path, typer.Option(help="the same numbers as JSON")],
        params: Params = params_file,
        preset: Preset = DEFAULT_PRESET,
    ) -> None:
        """Set the results beside the published ones."""
        outputs = {"table": csv, "table_text": markdown, "metrics": metrics}
        write_table(tables, outputs, params, preset)

    @app.command()
    def figure(
        tables: Tables,
        pdf: Drawn,
        png: Drawn,
        params: Params = params_file,
        preset: Preset = DEFAULT_PRESET,
    ) -> None:
        """Draw the figure."""
        draw(tables, {"pdf": pdf, "png": png}, params, preset)

    @app.command("table-page")
    def table_page(
        table: Path,
        out: Annotated[Path, typer.Option(help="HTML")],
        params: Params = params_file,
        preset: Preset = DEFAULT_PRESET,
    ) -> None:
        """Set the comparison TABLE as a page for the report."""
        write_page(table, out, params, preset)
