"""``l2o fig7 ...``: one thin command per step of Figure 7. Each runs without Snakemake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2o.commands import comparison
from l2o.commands.common import Preset
from l2o.commands.fig7 import data as data_commands
from l2o.commands.fig7 import reports as report_commands
from l2o.commands.fig7 import training as training_commands
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig7 import Fig7Steps

app = typer.Typer(help="The steps of Figure 7: the Rastrigin family.", no_args_is_help=True)

Params = Annotated[Path, typer.Option(help="parameter file")]
Out = Annotated[Path, typer.Option(help="CSV")]
Drawn = Annotated[Path, typer.Option()]
PARAMS = Path("params/fig7.yaml")


@app.command()
def check(params: Params = PARAMS, preset: Preset = DEFAULT_PRESET) -> None:
    """Check the parameter file and say what it asks for."""
    print(Fig7Steps(params, preset).summary())


@app.command("sample-set")
def sample_set(
    setting: str, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw the instances of SETTING."""
    data_commands.sample_set(setting, out, params, preset)


@app.command()
def oracle(
    setting: str, data: Path, out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Find the lowest objective of every test instance of DATA by Run-and-Inspect."""
    data_commands.oracle(setting, data, out, params, preset)


@app.command()
def oracles(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Sum up the oracles of all settings, in their order in the parameter file."""
    data_commands.oracles(tables, out, params, preset)


@app.command("grid-search")
def grid_search(
    setting: str, data: Path, out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Try all hyperparameters of the grid on the validation set of DATA."""
    report_commands.grid_search(setting, data, out, params, preset)


@app.command()
def train(
    setting: str,
    method: str,
    data: Path,
    out: Path,
    history: Annotated[Path, typer.Option(help="loss history, CSV")],
    timing: Annotated[Path, typer.Option(help="seconds of training, JSON")],
    state: Annotated[Path, typer.Option(help="where an unfinished training is kept")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Train METHOD on the set DATA of SETTING; interrupted, it goes on where it was."""
    outputs = {"checkpoint": out, "history": history, "training_seconds": timing}
    training_commands.train(setting, method, data, outputs, state, params, preset)


@app.command()
def evaluate(
    setting: str,
    group: str,
    data: Path,
    oracle: Path,
    source: Path,
    curves: Out,
    seconds: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Follow the methods of GROUP on the test set of DATA over all iterations.

    SOURCE is the table of the grid search for the untrained methods, else the checkpoint.
    """
    outputs = {"curves": curves, "solve_seconds": seconds}
    report_commands.evaluate(setting, group, data, oracle, source, outputs, params, preset)


@app.command()
def collect(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the curves of all settings and methods, in their order in the parameter file."""
    comparison.join(tables, out, Fig7Steps(params, preset).curves())


@app.command("collect-grid-searches")
def collect_grid_searches(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the grid searches of all settings, in their order in the parameter file."""
    comparison.join(tables, out, Fig7Steps(params, preset).joined_grid_search())


@app.command()
def timings(
    files: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Set the seconds of whole runs (CSV) beside those of training (JSON)."""
    solved = [path for path in files if path.suffix == ".csv"]
    trained = [path for path in files if path.suffix == ".json"]
    comparison.timings(solved, trained, out, Fig7Steps(params, preset).timings())


@app.command()
def table(
    curves: Path,
    oracles: Path,
    csv: Annotated[Path, typer.Option()],
    markdown: Annotated[Path, typer.Option()],
    metrics: Annotated[Path, typer.Option(help="the same numbers as JSON")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set the last iterations of CURVES beside the published ones, as gaps to ORACLES."""
    outputs = {"table": csv, "table_text": markdown, "metrics": metrics}
    report_commands.table(curves, oracles, outputs, params, preset)


@app.command()
def figure(
    curves: Path,
    oracles: Path,
    pdf: Drawn,
    png: Drawn,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Draw Figure 7 from CURVES and ORACLES."""
    report_commands.figure(curves, oracles, pdf, png, params, preset)


@app.command("table-page")
def table_page(
    table: Path,
    out: Annotated[Path, typer.Option(help="HTML")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set the comparison TABLE as a page for the report."""
    report_commands.table_page(table, out, params, preset)
