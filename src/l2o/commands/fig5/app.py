"""``l2o fig5 ...``: one thin command per step of Figure 5. Each runs without Snakemake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2o.commands.common import Preset
from l2o.commands.fig5 import data as data_commands
from l2o.commands.fig5 import reports as report_commands
from l2o.commands.fig5 import training as training_commands
from l2o.steps.common import DEFAULT_PRESET
from l2o.steps.fig5 import Fig5Steps

app = typer.Typer(help="The steps of Figure 5: sparse recovery.", no_args_is_help=True)

Params = Annotated[Path, typer.Option(help="parameter file")]
PARAMS = Path("params/fig5.yaml")


@app.command()
def check(params: Params = PARAMS, preset: Preset = DEFAULT_PRESET) -> None:
    """Check the parameter file and say what it asks for."""
    print(Fig5Steps(params, preset).summary())


@app.command()
def images(folder: Path, sums: Path, mirror: str = "") -> None:
    """Fetch the BSDS500 images into FOLDER, each verified against SUMS."""
    data_commands.fetch_images(folder, sums, mirror)


@app.command("learn-dictionary")
def learn_dictionary(
    folder: Path, sums: Path, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Learn the coherent dictionary from the images in FOLDER."""
    data_commands.learn_dictionary(folder, sums, out, params, preset)


@app.command("draw-dictionary")
def draw_dictionary(
    name: str, out: Path, params: Params = PARAMS, preset: Preset = DEFAULT_PRESET
) -> None:
    """Draw the Gaussian dictionary NAME."""
    data_commands.draw_dictionary(name, out, params, preset)


@app.command("sample-set")
def sample_set(
    setting: str,
    dictionary: Path,
    out: Path,
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Sample the optimizee set of SETTING with the matrix stored in DICTIONARY."""
    data_commands.sample_set(setting, dictionary, out, params, preset)


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
    """Train METHOD on the optimizee set DATA of SETTING; interrupted, it goes on where it was."""
    training_commands.train(setting, method, data, out, history, timing, state, params, preset)


@app.command()
def evaluate(
    setting: str,
    data: Path,
    checkpoints: list[Path],
    curves: Annotated[Path, typer.Option(help="tidy table of curves, CSV")],
    timings: Annotated[Path, typer.Option(help="seconds per solve, CSV")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Evaluate CHECKPOINTS and the classical solvers on the test set of DATA."""
    training_commands.evaluate(setting, data, checkpoints, curves, timings, params, preset)


@app.command()
def collect(
    tables: list[Path],
    out: Annotated[Path, typer.Option(help="CSV")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Join the curves of all settings, in their order in the parameter file."""
    report_commands.collect(tables, out, params, preset)


@app.command()
def timings(
    tables: list[Path],
    out: Annotated[Path, typer.Option(help="CSV")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Join seconds per solve (CSV) and seconds of training (JSON) into one table."""
    report_commands.timings(tables, out, params, preset)


@app.command()
def table(
    curves: Path,
    csv: Annotated[Path, typer.Option()],
    markdown: Annotated[Path, typer.Option()],
    metrics: Annotated[Path, typer.Option(help="the same numbers as JSON")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set the last layers of CURVES beside the published ones."""
    outputs = {"table": csv, "table_text": markdown, "metrics": metrics}
    report_commands.table(curves, outputs, params, preset)


@app.command()
def figure(
    curves: Path,
    pdf: Annotated[Path, typer.Option()],
    png: Annotated[Path, typer.Option()],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Draw Figure 5 from CURVES."""
    report_commands.figure(curves, pdf, png, params, preset)


@app.command("table-page")
def table_page(
    table: Path,
    out: Annotated[Path, typer.Option(help="HTML")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set the comparison TABLE as a page for the report."""
    report_commands.table_page(table, out, params, preset)
