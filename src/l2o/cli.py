"""The command line: a command for each kind of job, and those for people.

``l2o train lasso m25_n50 l2o_rnnprop`` finds inputs and outputs by itself; each command runs
without Snakemake. What a command does not use it does not import.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from l2o.commands.options import (
    DICTIONARY,
    FILE,
    FOLDER,
    LAM,
    MEASUREMENTS,
    METHODS,
    OF_RELEASED,
    PRESET,
    SIGNALS,
    THREADS,
    TRAINED,
    VERSION,
    InputPath,
    OneOf,
    OutputPath,
    Positive,
    Real,
    Whole,
    given,
)
from l2o.errors import InputError
from l2o.extras import missing
from l2o.layout import KINDS, wildcards_of
from l2o.storage.paths import refused


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@VERSION
def app() -> None:
    """Learned optimizers: a command for each kind of job of the benchmark, and those for people.

    `l2o train lasso m25_n50 l2o_rnnprop` finds its inputs and outputs by itself, without Snakemake.
    """


def _job_command(kind: str) -> click.Command:
    """Return the command that does one kind of job."""
    names = wildcards_of(kind)

    def run(preset: str, methods: str, **values: str) -> None:
        from l2o.commands.jobs import run_job

        _require_clone(kind)
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

    if params is None:
        _require_clone("check")
    print(check(experiment, preset, methods, params))


@app.command()
@click.option("--count", is_flag=True, help="also how many numbers each learns; imports torch")
def methods(count: bool) -> None:
    """List the methods by kind: year, what they are given, what they learn, references."""
    from l2o.commands.methods import listed

    print(listed(count))


@app.command()
@click.argument("what", type=click.Choice(["method", "experiment"]))
@click.argument("name")
@click.option(
    "--kind", default="unrolled", show_default=True, help="of a method: unrolled or recurrent"
)
def new(what: str, name: str, kind: str) -> None:
    """Write the template of a method or an experiment called NAME."""
    from l2o.commands.templates import new_experiment, new_method

    _require_clone("new")
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
@click.option("--folder", type=FOLDER, help="hold copies in this folder against today's jobs")
@click.option("--released", is_flag=True, help="the released copies in docs/paper, preset paper")
def verify(
    preset: str, methods: str, everything: bool, folder: Path | None, released: bool
) -> None:
    """Hold all artifacts against parameters, sources, contents; exit 1 unless all are valid."""
    from l2o.artifacts.manifest import PRESET, RELEASED
    from l2o.commands.artifacts import verify

    _require_clone("verify")
    if released:
        preset, folder = PRESET, folder or RELEASED
    text, valid = verify(preset, methods, everything, folder)
    print(text)
    sys.exit(0 if valid else 1)


@app.command()
@click.argument("reports", nargs=-1)
@click.option("--folder", type=click.Path(path_type=Path), help="instead of docs/paper")
def release(reports: tuple[str, ...], folder: Path | None) -> None:
    """Release reports of the paper preset that are valid here: copies, proofs, a manifest."""
    from l2o.commands.release import RELEASED, release

    _require_clone("release")
    print(release(reports, folder or RELEASED))


@app.command()
@click.argument("reports", nargs=-1)
@click.option("--folder", type=FOLDER, help="instead of docs/paper")
def adopt(reports: tuple[str, ...], folder: Path | None) -> None:
    """Take released reports that are valid into this clone, as if they had been built in it."""
    from l2o.commands.adopt import RELEASED, adopt

    _require_clone("adopt")
    print(adopt(reports, folder or RELEASED))


@app.command()
@click.argument("report")
@click.argument("setting")
@click.argument("method")
@click.option("--retrain", is_flag=True, help="also where weights are in the box")
def check_released(report: str, setting: str, method: str, retrain: bool) -> None:
    """Compute one number of a released table again, from the weights in the box if there are any.

    It trains what has none. Exit 1 where the two numbers do not agree.
    """
    from l2o.commands.check_released import check_released

    _require_clone("check-released")
    text, agrees = check_released(report, setting, method, retrain)
    print(text)
    sys.exit(0 if agrees else 1)


@app.command()
@click.argument("folder", type=click.Path(path_type=Path))
@PRESET
@METHODS
@click.option(
    "--seconds", type=Positive(), default=60, show_default=True, help="that a job must have taken"
)
@click.option(
    "--size", type=Whole(10**12), default=300_000, show_default=True, help="bytes, at most"
)
def keep(folder: Path, preset: str, methods: str, seconds: float, size: int) -> None:
    """Keep results that took long and are small in FOLDER, a cache for L2O_CACHE."""
    from l2o.commands.keeping import keep

    _require_clone("keep")
    print(keep(folder, preset, methods, seconds, size))


@app.command()
@PRESET
@METHODS
@OF_RELEASED
def costs(preset: str, methods: str, released: bool) -> None:
    """Tell the processor time and memory of what is built, and which jobs took longest."""
    from l2o.artifacts.manifest import released_costs
    from l2o.commands.costs import costs

    _require_clone("costs")
    print(released_costs() if released else costs(preset, methods))


@app.command()
@PRESET
@METHODS
@OF_RELEASED
def searches(preset: str, methods: str, released: bool) -> None:
    """Tell which searches for hyperparameters ended at the edge of what was tried."""
    from l2o.commands.searches import released_searches, searches

    _require_clone("searches")
    print(released_searches() if released else searches(preset, methods))


@app.command()
@click.option("--out", type=click.Path(path_type=Path), default="reports/site", show_default=True)
@click.option("--examples/--no-examples", default=True, show_default=True, help="run the examples")
def site(out: Path, examples: bool) -> None:
    """Build the site of results and documentation from whatever presets are built."""
    from l2o.site.build import build_site

    _require_clone("site")
    print(build_site(out, examples))


@app.command()
@click.option("--folder", type=FOLDER, default=".", help="where Snakemake ran")
def unlock(folder: Path) -> None:
    """Remove the lock that a killed Snakemake left behind; a lock in use stays."""
    from l2o.commands.artifacts import unlock

    print(unlock(folder))


@app.command()
@click.argument("name", default="")
def weights(name: str) -> None:
    """List the trained weights in the box, or show the card of NAME."""
    from l2o.commands.weights import listed, shown

    print(shown(name) if name else listed())


@app.command()
@click.option("--clone", type=FOLDER, default=".", help="that trained them; default: this one")
def pack(clone: Path) -> None:
    """Pack trained weights of a clone, those that are proven, into the box of the package."""
    _require_clone("pack")
    from l2o.commands.packing import pack

    print(pack(clone))


@app.command()
@given(*DICTIONARY, *SIGNALS, *MEASUREMENTS)
@click.option("--out", type=OutputPath(".safetensors"), required=True, help="safetensors to write")
@click.option(
    "--method", default="auto", show_default=True, help="an unrolled net; auto: see above"
)
@click.option(
    "--layers", type=Whole(1000), default=16, show_default=True, help="learned iterations"
)
@click.option("--density", type=Positive(), default=0.1, show_default=True, help="of drawn codes")
@click.option("--size", type=Positive(), default=1.0, show_default=True, help="of their entries")
@click.option("--snr", type=Real(), help="dB, of measurements made here; default: no noise")
@click.option("--objective", type=OneOf("recovery", "lasso"), help="default: lasso for b alone")
@LAM
@click.option("--budget", default="standard", show_default=True, help="quick, standard, thorough")
@click.option("--minutes", type=Positive(), help="train for about that long instead")
@click.option("--setting", multiple=True, help="of the method, NAME=NUMBER; may be repeated")
@click.option("--seed", type=Whole(2**62, 0), default=0, show_default=True, help="of what is drawn")
@THREADS
def fit(**options: object) -> None:
    """Train a solver for a dictionary of your own.

    Files are .npy, .npz, HDF5 or .mat. Without signals and measurements it learns from codes that
    are drawn; from your signals, with their measurements or measured here; or from measurements
    alone, to minimise 0.5 ||A x - b||^2 + lam ||x||_1.

    The method auto trains lamp_mixture and alista and keeps the one that is better on validation
    samples; for LASSO it is alista.
    """
    from l2o.commands.fit import fit

    _require(options, "dictionary")
    print(fit(**options))


@app.command()
@given(*DICTIONARY, *MEASUREMENTS, *SIGNALS)
@click.option("--optimizer", type=TRAINED, multiple=True, help="a trained one; may be repeated")
@click.option(
    "--methods", default="", help="classical ones, as in fista,omp; default: five; of LASSO fista"
)
@LAM
@THREADS
@click.option("--figure", type=OutputPath(), help="draw the curves, .pdf or .png")
def compare(**options: object) -> None:
    """Compare trained solvers and classical methods on data of your own."""
    from l2o.commands.fit import compare

    _require(options, "dictionary", "measurements")
    print(compare(**options))


@app.command()
@click.option("--optimizer", type=TRAINED, help="a trained one: file, or name of `l2o weights`")
@click.option("--method", help="or a classical one: fista, ista, omp, amp, em_vamp")
@given(*DICTIONARY, *MEASUREMENTS)
@click.option("--out", type=OutputPath(".h5", ".hdf5"), required=True, help="HDF5: x, (samples, n)")
@click.option(
    "--iterations", type=Whole(10**9), help="default: a net's depth; 1000 for LASSO, else 100"
)
@click.option("--safeguard", is_flag=True, help="LASSO: take FISTA's step where it is better")
@LAM
@click.option("--dtype", default="", help="float32 or float64; default: that of the measurements")
@THREADS
def solve(**options: object) -> None:
    """Solve your own problems b = A x + noise, file to file (.npy, .npz, HDF5, .mat)."""
    from l2o.commands.solve import solve

    _require(options, "measurements")
    print(solve(**options))


@app.command()
@click.argument("picture", type=FILE)
@click.option("--mask", type=FILE, help="black where a pixel is not known: these are filled in")
@click.option("--ratio", type=Positive(), help="or sense PICTURE by blocks, at so many percent")
@click.option("--out", type=OutputPath(), required=True, help="picture to write, .png or .tif")
@click.option("--original", type=FILE, help="what PSNR is taken to, with a mask")
@click.option("--method", help="default: pnp_admm_ridge for a mask, ista_net_whole for a ratio")
@click.option("--trained", type=FILE, help="its checkpoint; default: what this clone trained")
@click.option("--iterations", type=Whole(10**6), help="default: 60; of a net its phases")
@THREADS
def restore(**options: object) -> None:
    """Restore a grey picture of your own: PICTURE of which pixels are missing, or sensed."""
    from l2o.commands.restore import restore

    print(restore(**options))


def _require(options: Mapping[str, object], *names: str) -> None:
    """Refuse a call that lacks an option."""
    for name in names:
        if not options[name]:
            raise InputError(f"--{name}", "", "is missing", "name a file")


def _require_clone(command: str) -> None:
    """Refuse what works on the repository's parameters and results outside of one."""
    if not Path("params").is_dir():
        problem = f"there is no folder params/ in {Path.cwd()}"
        raise InputError(f"l2o {command}", "", problem, "run it in a clone of the repository")


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
    except ModuleNotFoundError as error:
        if not (fault := missing(error)):
            raise
    except OSError as error:
        fault = refused(error.filename or "l2o", "used", error)
    print(f"error: {fault}", file=sys.stderr)
    sys.exit(2)
