"""``l2o fig6 ...``: one thin command per step of Figure 6. Each runs without Snakemake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2o.commands import comparison
from l2o.commands.common import Preset
from l2o.commands.fig6 import data as data_commands
from l2o.commands.fig6 import reports as report_commands
from l2o.commands.fig6 import training as training_commands
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig6 import Fig6Steps

app = typer.Typer(help="The steps of Figure 6: LASSO.", no_args_is_help=True)

Params = Annotated[Path, typer.Option(help="parameter file")]
Out = Annotated[Path, typer.Option(help="CSV")]
Drawn = Annotated[Path, typer.Option()]
PARAMS = Path("params/fig6.yaml")


@app.command()
def check(params: Params = PARAMS, preset: Preset = DEFAULT_PRESET) -> None:
    """Check the parameter file and say what it asks for."""
    print(Fig6Steps(params, preset).summary())


@app.command("sample-set")
def sample_set(
    setting: str, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw the dictionary and the instances of SETTING and certify their optima."""
    data_commands.sample_set(setting, out, params, preset)


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
    out: Out,
    checkpoints: Annotated[list[Path] | None, typer.Argument()] = None,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Follow the methods of GROUP on the test set of DATA over all iterations."""
    report_commands.evaluate(setting, group, data, checkpoints or [], out, params, preset)


@app.command("time")
def time_methods(
    setting: str,
    data: Path,
    checkpoints: list[Path],
    out: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Time all methods on the test set of DATA."""
    report_commands.time_methods(setting, data, checkpoints, out, params, preset)


@app.command("check-optima")
def check_optima(
    sets: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Hold the paper's way to the optimum against the certified optima of SETS."""
    report_commands.check_optima(sets, out, params, preset)


@app.command()
def collect(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the curves of all settings and methods, in their order in the parameter file."""
    comparison.join(tables, out, Fig6Steps(params, preset).curves())


@app.command("collect-seconds")
def collect_seconds(
    tables: list[Path], out: Out, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Join the seconds of all settings, in their order in the parameter file."""
    comparison.join(tables, out, Fig6Steps(params, preset).seconds())


@app.command()
def timings(
    seconds: Path,
    training: list[Path],
    out: Out,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set SECONDS of the last iteration beside those of TRAINING (JSON)."""
    comparison.timings([seconds], training, out, Fig6Steps(params, preset).timings())


@app.command()
def table(
    curves: Path,
    csv: Annotated[Path, typer.Option()],
    markdown: Annotated[Path, typer.Option()],
    metrics: Annotated[Path, typer.Option(help="the same numbers as JSON")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set the last iterations of CURVES beside the published ones."""
    outputs = {"table": csv, "table_text": markdown, "metrics": metrics}
    report_commands.table(curves, outputs, params, preset)


@app.command()
def figure(
    curves: Path, pdf: Drawn, png: Drawn, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw Figure 6 over iterations from CURVES."""
    report_commands.figure(curves, pdf, png, params, preset)


@app.command("seconds-figure")
def seconds_figure(
    curves: Path,
    seconds: Path,
    pdf: Drawn,
    png: Drawn,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Draw Figure 6 over wall-clock time from CURVES and SECONDS."""
    report_commands.seconds_figure(curves, seconds, pdf, png, params, preset)


@app.command("table-page")
def table_page(
    table: Path,
    out: Annotated[Path, typer.Option(help="HTML")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set the comparison TABLE as a page for the report."""
    report_commands.table_page(table, out, params, preset)
