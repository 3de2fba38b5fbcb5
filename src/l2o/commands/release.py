"""The command that releases reports: copies, their proofs, and a manifest of what they cost."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from l2o.artifacts.cost import read_costs
from l2o.artifacts.job import Job, ordered
from l2o.artifacts.manifest import MANIFEST, OWN, PRESET, RELEASED, read_manifest, released_name
from l2o.artifacts.proof import Status, examine, proof_path
from l2o.commands.commits import head_of_clean_tree
from l2o.commands.costs import job_words, longest, measured
from l2o.config.nearest import unknown_key
from l2o.errors import InputError
from l2o.experiments.experiment import Experiment
from l2o.experiments.graph import Graph
from l2o.experiments.room import PROFILED
from l2o.storage.atomic import written_aside
from l2o.storage.json_files import write_json

LARGE = ("runs",)  # tables that stay where they are built


def release(reports: Iterable[str] = (), folder: Path = RELEASED) -> str:
    """Copy reports of the paper preset that are valid, with their proofs; return what was done.

    Parameters
    ----------
    reports : their names, also ``claims`` and ``verdict``; none: all that are valid
    folder : of the copies, and of the manifest

    Raises
    ------
    InputError : no such report, one that was asked for is not valid, none is, or the sources here
        are not those of a commit.
    """
    graph, reports = Graph(PRESET), [*reports]
    parts = released_files(graph)
    for name in reports:
        if name not in parts:
            raise unknown_key("reports", name, [*parts])
    commit, manifest = head_of_clean_tree(), read_manifest(folder)
    lines, released = [], []
    for name in reports or parts:
        files = parts[name]
        if bad := sum(examine(path, job.key).status is not Status.VALID for job, path in files):
            if reports:
                remedy = f"build it: `snakemake --config preset={PRESET} -- {name}_all`"
                raise InputError(name, "", f"{bad} of its files are not valid", remedy)
            lines.append(f"{name:16} not released: {bad} of its files are not valid")
            continue
        for _, path in files:
            copy_proven(path, folder / released_name(path))
        manifest[name] = {"commit": commit, **_entry(graph, name, files, manifest)}
        write_json(folder / MANIFEST, manifest)
        lines.append(f"{name:16} {len(files)} files")
        released.append(name)
    if not released:
        command = f"snakemake --cores all --config preset={PRESET}"
        raise InputError(folder, "", "no report is valid here", f"build some: `{command}`")
    return "\n".join(lines)


def released_files(graph: Graph) -> dict[str, list[tuple[Job, Path]]]:
    """Return what is released of each report, of the claims and of the verdict, and its jobs."""
    parts = {name: _files(one) for name, one in graph.reports.items()}
    return parts | {job.kind: _all_of([job]) for job in graph.judged}


def _files(one: Experiment) -> list[tuple[Job, Path]]:
    """Return what is released of an experiment, and the jobs that write it."""
    profiled = {f"{one.report_name}_{end}" for end in PROFILED}
    tables = [job for name, job in one.joined().items() if name not in LARGE]
    found = _all_of([*tables, *map(one.figure, one.figure_names)])
    kept = [(j, p) for j, p in found if not (p.suffix == ".png" and p.stem in profiled)]
    table = one.table()
    return kept + [(table, table.writes[role]) for role in ("csv", "markdown", "metrics")]


def _all_of(jobs: Iterable[Job]) -> list[tuple[Job, Path]]:
    return [(job, path) for job in jobs for path in job.writes.values()]


def _entry(
    graph: Graph, name: str, files: list[tuple[Job, Path]], released: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the manifest says of a report, but for the commit.

    Costs are of all jobs behind it; of the claims and the verdict their own, since what they read
    has entries. Where a report was adopted and drawn again, the cost of its build stands.
    """
    made = {job for job, _ in files}
    report = graph.reports.get(name)
    jobs = [*(ordered(made) if report else made)]
    told = read_costs(jobs)
    slowest = [[job_words(job), took["processor_seconds"]] for job, took in longest(told)]
    own = measured(_unshared(graph, name, jobs, released), told)["processor_seconds"]
    cost = {**measured(jobs, told), OWN: own, "slowest": slowest}
    before = released[name]["cost"] if name in released else cost
    if before["told"] > cost["told"]:
        cost = before
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "note": report.sizes.note if report else next(iter(made)).parameters["note"],
        "files": sorted(released_name(path) for _, path in files),
        "cost": cost,
    }


def _unshared(
    graph: Graph, name: str, jobs: Iterable[Job], released: Mapping[str, Any]
) -> list[Job]:
    """Return those of a report's jobs that no released report before it in the graph has."""
    before = takewhile(lambda other: other != name, graph.reports)
    known = [graph.reports[other] for other in before if other in released]
    shared = {job.name for one in known for job in one.jobs()}
    return [job for job in jobs if job.name not in shared]


def copy_proven(path: Path, copy: Path) -> None:
    """Copy a file and its proof; what was there under such names goes."""
    for source, target in ((path, copy), (proof_path(path), proof_path(copy))):
        with written_aside(target) as aside:
            shutil.copyfile(source, aside)
