"""The command line: one thin command per pipeline step. Each runs without Snakemake."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from l2o.commands import artifacts as artifact_commands
from l2o.commands import data as data_commands
from l2o.commands import reports as report_commands
from l2o.commands import training as training_commands
from l2o.errors import InputError
from l2o.steps import DEFAULT_PRESET

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)

Params = Annotated[Path, typer.Option(help="parameter file")]
Preset = Annotated[str, typer.Option(help="smoke, laptop or paper")]
PARAMS = Path("params/fig5.yaml")


@app.command()
def check(params: Params = PARAMS, preset: Preset = DEFAULT_PRESET) -> None:
    """Check a parameter file and say what it asks for."""
    print(data_commands.check(params, preset))


@app.command()
def methods() -> None:
    """List the methods that were found, with their references."""
    print(data_commands.list_methods())


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
    report_commands.table(curves, csv, markdown, metrics, params, preset)


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


@app.command("front-page")
def front_page(params: Params = PARAMS, preset: Preset = DEFAULT_PRESET) -> None:
    """Copy the figure and table of the default preset to the top of the reports."""
    report_commands.front_page(params, preset)


@app.command("table-page")
def table_page(
    table: Path,
    out: Annotated[Path, typer.Option(help="HTML")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Set the comparison TABLE as a page for the report."""
    report_commands.table_page(table, out, params, preset)


@app.command("provenance-page")
def provenance_page(
    out: Annotated[Path, typer.Option(help="HTML")],
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Collect what made each artifact on a page for the report."""
    report_commands.provenance_page(out, params, preset)


@app.command()
def provenance(file: Path) -> None:
    """Say what made FILE: parameters, inputs, sources, libraries."""
    print(artifact_commands.describe(file))


@app.command()
def verify(
    params: Params = PARAMS,
    preset: Preset = DEFAULT_PRESET,
    everything: Annotated[bool, typer.Option("--all", help="list valid artifacts too")] = False,
) -> None:
    """Hold all artifacts against parameters, sources, contents; exit 1 unless all are valid."""
    text, valid = artifact_commands.verify(params, preset, everything)
    print(text)
    raise typer.Exit(0 if valid else 1)


@app.command()
def unlock(folder: Path = Path()) -> None:
    """Remove the lock that a killed Snakemake left behind; a lock in use stays."""
    print(artifact_commands.unlock(folder))


def main() -> None:
    """Run the command line; bad input ends with one line and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
