"""The command line: a command for each kind of job, and those for people.

``l2o train lasso m25_n50 l2o_rnnprop`` finds inputs and outputs by itself; each command runs
without Snakemake. What a command does not use it does not import.
"""

from __future__ import annotations

import stat
import sys
from contextlib import suppress
from pathlib import Path

import click

from l2o.commands.options import InputPath, OutputPath, Positive, Whole
from l2o.errors import InputError
from l2o.layout import KINDS, wildcards_of
from l2o.storage.paths import refused

PRESET = click.option("--preset", default="laptop", show_default=True, help="smoke, laptop, paper")
METHODS = click.option("--methods", default="", help="only these take part, as in mine,alista")
FILE = InputPath()
FOLDER = InputPath("folder", kind=stat.S_IFDIR)


@click.group(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
def app() -> None:
    """Gather the commands."""


def _job_command(kind: str) -> click.Command:
    """Return the command that does one kind of job."""
    names = wildcards_of(kind)

    def run(preset: str, methods: str, **values: str) -> None:
        from l2o.commands.jobs import run_job

        run_job(kind, [values[name] for name in names], preset, methods)

    command = click.Command(
        kind,
        callback=run,
        params=[click.Argument([name]) for name in names],
        short_help=f"one job of the pipeline: {' '.join(names) or 'of all experiments'}",
        help=f"Do the job `{kind}`; what it reads must be valid.",
    )
    return PRESET(METHODS(command))


for each in KINDS:
    app.add_command(_job_command(each))


@app.command()
@click.argument("experiment", default="")
@PRESET
@METHODS
@click.option("--params", type=InputPath("parameter file"), help="instead of the repository's")
def check(experiment: str, preset: str, methods: str, params: Path | None) -> None:
    """Check a parameter file, or all, and say what the graph of jobs makes of it."""
    from l2o.commands.jobs import check

    print(check(experiment, preset, methods, params))


@app.command()
def methods() -> None:
    """List the methods that were found, with their references."""
    from l2o.optimizers.registry import KINDS, methods

    for head in (head for kind in KINDS for head in methods(kind).values()):
        print(f"{head.kind:11} {head.name:14} {head.label:14} {head.reference}")


@app.command()
@click.argument("what", type=click.Choice(["method", "experiment"]))
@click.argument("name")
@click.option("--kind", default="unrolled", show_default=True, help="of a method: or recurrent")
def new(what: str, name: str, kind: str) -> None:
    """Write the template of a method or an experiment called NAME."""
    from l2o.commands.templates import new_experiment, new_method

    print(new_method(name, kind) if what == "method" else new_experiment(name))


@app.command()
@click.argument("file", type=InputPath(absent="build it first: `snakemake --cores 2 FILE`"))
def provenance(file: Path) -> None:
    """Say what made FILE: parameters, inputs, sources, libraries."""
    from l2o.commands.artifacts import describe

    print(describe(file))


@app.command()
@PRESET
@METHODS
@click.option("--all", "everything", is_flag=True, help="list every artifact, valid ones too")
@click.option("--folder", type=FOLDER, help="of published copies, as docs/paper, instead")
def verify(preset: str, methods: str, everything: bool, folder: Path | None) -> None:
    """Hold all artifacts against parameters, sources, contents; exit 1 unless all are valid."""
    from l2o.commands.artifacts import verify

    text, valid = verify(preset, methods, everything, folder)
    print(text)
    sys.exit(0 if valid else 1)


@app.command()
@click.option("--out", type=click.Path(path_type=Path), default="reports/site", show_default=True)
@click.option("--examples/--no-examples", default=True, show_default=True, help="run the examples")
def site(out: Path, examples: bool) -> None:
    """Build the site of results and documentation from whatever presets are built."""
    from l2o.site.build import build_site

    print(build_site(out, examples))


@app.command()
@click.option("--folder", type=FOLDER, default=".", help="where Snakemake ran")
def unlock(folder: Path) -> None:
    """Remove the lock that a killed Snakemake left behind; a lock in use stays."""
    from l2o.commands.artifacts import unlock

    print(unlock(folder))


@app.command()
@click.option("--optimizer", type=FILE, required=True, help="checkpoint of a net or an optimizer")
@click.option("--dictionary", type=FILE, required=True, help="HDF5 with A, (m, n), unit columns")
@click.option("--measurements", type=FILE, required=True, help="HDF5 with b, (samples, m)")
@click.option("--out", type=OutputPath(), required=True, help="HDF5 to write, with x, (samples, n)")
@click.option("--key", default="b", show_default=True, help="dataset in the measurements")
@click.option("--dictionary-key", default="A", show_default=True, help="... in the dictionary")
@click.option("--iterations", type=Whole(10**9), help="default: a net's depth, 1000 of others")
@click.option("--safeguard", is_flag=True, help="LASSO: take FISTA's step where it is better")
@click.option("--lam", type=Positive(), help="weight of the 1-norm, for recurrent optimizers")
@click.option("--threads", type=Whole(1024), default=1, show_default=True, help="of the CPU")
def solve(**options: object) -> None:
    """Solve your own problems b = A x + noise with a trained net or optimizer."""
    from l2o.commands.solve import solve

    print(solve(**options))


def _require_own_sources() -> None:
    """Refuse to work in a checkout by the sources of another one: no key would be right."""
    here, own = Path(__file__).parent, Path("src/l2o/cli.py")
    if Path("Snakefile").is_file() and own.is_file() and not own.samefile(__file__):
        problem = f"is not what runs, which is {here}"
        raise InputError(own.parent, "", problem, "run `python src/l2o` in place of `l2o`")


def main() -> None:
    """Run the command line; bad input ends with one line and exit code 2."""
    with suppress(AttributeError):  # a path need not be text that a terminal can show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        _require_own_sources()
        app()
    except InputError as error:
        fault = error
    except OSError as error:
        fault = refused(error.filename or "l2o", "used", error)
    print(f"error: {fault}", file=sys.stderr)
    sys.exit(2)
