"""Jobs that belong to no single experiment: data that several read, claims, pages, copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Artifact, Job
from l2o.datasets.picture_source import BSDS_SUMS, PUBLISHED, SET11_SUMS
from l2o.experiments.experiment import WORKS, Experiment
from l2o.layout import WRITES, under

MNIST_SUMS = Path("data/mnist.sha256")  # of the unpacked files
MNIST_FOLDER = "data/mnist"
SHOWN = ("{report}.pdf", "{report}.png", "{report}_table.csv", "{report}_table.md")


def shared_job(
    kind: str,
    preset: str,
    parameters: dict[str, Any],
    reads: dict[str, Artifact] | None = None,
    sources: Iterable[str] = (),
    libraries: tuple[str, ...] = (),
    files: dict[str, Path] | None = None,
    work: str = "",
    **wildcards: str,
) -> Job:
    """Return a job outside of the rooms; its work is called like its kind, if not otherwise."""
    writes = {
        role: Path(under(pattern, preset).format(**wildcards))
        for role, pattern in WRITES[kind].items()
    }
    sources = (f"{WORKS}:{work or kind}", *sources)
    return Job(kind, wildcards, parameters, sources, reads or {}, writes, files or {}, libraries)


@cache
def digits(preset: str) -> Job:
    """Fetch MNIST's images and labels and store them as HDF5."""
    files, libraries = {"sums": MNIST_SUMS}, ("numpy", "h5py")
    parameters = {"folder": MNIST_FOLDER}
    given = {"libraries": libraries, "files": files, "dataset": "mnist"}
    return shared_job("store", preset, parameters, **given)


@cache
def pictures(preset: str, source: str) -> Job:
    """Store the pictures of the image rooms as HDF5; see :mod:`l2o.datasets.pictures`.

    ``source`` is what :func:`l2o.datasets.picture_source.picture_source` returns.
    """
    published = source == PUBLISHED
    files = {"bsds500": BSDS_SUMS, "set11": SET11_SUMS} if published else {}
    libraries = ("numpy", "h5py", "pillow", *(() if published else ("scikit-image",)))
    given = {"libraries": libraries, "files": files, "work": "store_pictures"}
    return shared_job("store", preset, {"source": source}, **given, dataset=f"{source}_pictures")


def claims(experiments: Iterable[Experiment], preset: str) -> Job | None:
    """Test the paper's claims on the tables of the experiments that it makes claims about."""
    tested = [one for one in experiments if one.claimed and not one.only]
    if not tested:
        return None
    parameters = {
        "preset": preset,
        "note": budget_note(tested),
        "readers": {one.base: f"{one.room()}.claims:read" for one in tested},
        "headings": {one.base: one.title for one in tested},
    }
    reads = _read(tested, lambda one: one.tables(), "curves", "optima")
    sources = [f"{one.room()}.claims" for one in tested]
    return shared_job("claims", preset, parameters, reads, sources, ("pandas", "numpy"))


def verdict(experiments: Iterable[Experiment], preset: str) -> Job | None:
    """Hold learned methods against the strongest classical ones, where runs have targets."""
    held = [one for one in experiments if one.parameters.targets and not one.only]
    if not held:
        return None
    parameters = {
        "preset": preset,
        "note": budget_note(held),
        "contests": {one.base: f"{one.room()}.report:CONTEST" for one in held},
        "abouts": {one.base: one.told() for one in held},
    }
    names = ("curves", "finals", "timings", "seconds")
    reads = _read(held, lambda one: one.joined(), *names)
    sources = [*parameters["contests"].values()]
    return shared_job("verdict", preset, parameters, reads, sources, ("pandas", "numpy"))


def _read(
    experiments: Iterable[Experiment], tables: Callable[[Experiment], dict[str, Job]], *names: str
) -> dict[str, Artifact]:
    """Return tables of experiments that have them, as "experiment table"."""
    return {
        f"{one.base} {name}": found[name]["table"]
        for one in experiments
        for found in [tables(one)]
        for name in names
        if name in found
    }


def budget_note(experiments: Iterable[Experiment]) -> str:
    """Return what the preset means for some experiments; what holds for all is said once."""
    of: dict[str, list[str]] = {}
    for one in experiments:
        of.setdefault(one.sizes.note, []).append(one.base)
    if len(of) == 1:
        return next(iter(of))
    return "; ".join(f"{', '.join(names)}: {note}" for note, names in of.items())


def records(target: str, reports: Iterable[Job], also: Iterable[Job], preset: str) -> Job:
    """Collect the records of all artifacts of a target on a page for the report, reports first."""
    reads = {str(path): Artifact(job, role) for job in reports for role, path in job.writes.items()}
    paths = [str(path) for job in also for path in (*job.writes.values(), *job.files.values())]
    return shared_job("records", preset, {"also": paths}, reads, target=target)


def copies(experiments: Iterable[Experiment], judged: Iterable[Job], preset: str) -> list[Job]:
    """Copy what a reader looks for first to the top of the reports; ``judged`` are of all."""
    jobs = [*judged]
    for one in experiments:
        jobs += [one.figure(one.report_name), one.table()]
    wanted = {p.format(report=one.report_name) for one in experiments for p in SHOWN}
    wanted |= {"claims.md", "verdict.md"}
    return [
        shared_job("copy", preset, {}, {"original": Artifact(job, role)}, file=path.name)
        for job in jobs
        for role, path in job.writes.items()
        if path.name in wanted
    ]
