"""The command line: what holds for all figures, and a group of commands for each of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from l2o.commands import artifacts as artifact_commands
from l2o.commands import claims as claims_command
from l2o.commands import digits as digits_command
from l2o.commands import pages
from l2o.commands import solve as solve_command
from l2o.commands.common import Preset
from l2o.commands.fig3.app import app as fig3
from l2o.commands.fig5.app import app as fig5
from l2o.commands.fig6.app import app as fig6
from l2o.commands.fig7.app import app as fig7
from l2o.commands.fig8.app import app as fig8
from l2o.errors import InputError
from l2o.steps.common import DEFAULT_PRESET

DIGITS_FOLDER = Path("data/mnist")
app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(fig3, name="fig3")
app.add_typer(fig5, name="fig5")
app.add_typer(fig6, name="fig6")
app.add_typer(fig7, name="fig7")
app.add_typer(fig8, name="fig8")


@app.command()
def methods() -> None:
    """List the methods that were found, with their references."""
    print(pages.list_methods())


@app.command()
def provenance(file: Path) -> None:
    """Say what made FILE: parameters, inputs, sources, libraries."""
    print(artifact_commands.describe(file))


@app.command()
def verify(
    preset: Preset = DEFAULT_PRESET,
    everything: Annotated[bool, typer.Option("--all", help="list valid artifacts too")] = False,
) -> None:
    """Hold all artifacts against parameters, sources, contents; exit 1 unless all are valid."""
    text, valid = artifact_commands.verify(preset, everything)
    print(text)
    raise typer.Exit(0 if valid else 1)


@app.command()
def unlock(folder: Path = Path()) -> None:
    """Remove the lock that a killed Snakemake left behind; a lock in use stays."""
    print(artifact_commands.unlock(folder))


@app.command("front-page")
def front_page(
    what: Annotated[str, typer.Argument(help="a figure, such as fig5, or `claims`")],
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Copy the figure and table of WHAT under the default preset to the top of the reports."""
    pages.front_page(what, preset)


@app.command()
def claims(
    tables: Annotated[list[Path], typer.Argument(help="curves of each figure, oracles of fig7")],
    csv: Annotated[Path, typer.Option()],
    markdown: Annotated[Path, typer.Option()],
    preset: Preset = DEFAULT_PRESET,
) -> None:
    """Test what the paper says of its figures on TABLES of ours."""
    claims_command.write_verdicts(tables, {"table": csv, "table_text": markdown}, preset)


@app.command("provenance-page")
def provenance_page(
    out: Annotated[Path, typer.Option(help="HTML")], preset: Preset = DEFAULT_PRESET
) -> None:
    """Collect what made each artifact on a page for the report."""
    pages.provenance_page(out, preset)


@app.command()
def solve(
    optimizer: Annotated[Path, typer.Option(help="checkpoint of a net or an optimizer")],
    dictionary: Annotated[Path, typer.Option(help="HDF5 with A, (m, n), unit-norm columns")],
    measurements: Annotated[Path, typer.Option(help="HDF5 with b, (samples, m)")],
    out: Annotated[Path, typer.Option(help="HDF5 to write, with x, (samples, n)")],
    key: Annotated[str, typer.Option(help="dataset in MEASUREMENTS, such as test/b")] = "b",
    iterations: Annotated[
        int | None, typer.Option(help="default: a net's depth, 1000 of an optimizer")
    ] = None,
    safeguard: Annotated[
        bool, typer.Option("--safeguard", help="LASSO: take FISTA's step where it is better")
    ] = False,
    lam: Annotated[
        float | None, typer.Option(help="weight of the 1-norm, for recurrent optimizers")
    ] = None,
    threads: Annotated[int, typer.Option(help="of the CPU")] = 1,
) -> None:
    """Solve your own problems b = A x + noise with a trained net or optimizer."""
    files = (optimizer, dictionary, measurements, out)
    print(solve_command.solve(*files, key, iterations, safeguard, lam, threads))


@app.command("store-digits")
def store_digits(
    out: Path,
    folder: Annotated[Path, typer.Option(help="where the files of MNIST are kept")] = DIGITS_FOLDER,
    mirror: Annotated[str, typer.Option(help="a folder that has them, instead of the net")] = "",
) -> None:
    """Fetch the digits of MNIST, verify them, and store them as HDF5."""
    digits_command.store_digits(out, folder, mirror)


def main() -> None:
    """Run the command line; bad input ends with one line and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
