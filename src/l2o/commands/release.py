"""The command that releases reports: copies, their proofs, and a manifest of what they cost."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from l2o.artifacts.cost import read_costs
from l2o.artifacts.demand import verdicts
from l2o.artifacts.job import Job, ordered
from l2o.artifacts.manifest import MANIFEST, PRESET, RELEASED, read_manifest, released_name
from l2o.artifacts.proof import Status, proof_path
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
    reports : their names; none: all that are valid, ``judged`` is that of all experiments together
    folder : of the copies, and of the manifest

    Raises
    ------
    InputError : no such report, one that was asked for is not valid, none is, or the sources here
        are not those of a commit.
    """
    graph, reports = Graph(PRESET), [*reports]
    parts = {name: (one.sizes.note, _files(one)) for name, one in graph.reports.items()}
    if graph.judged:
        parts["judged"] = ("all experiments together", _all_of(graph.judged))
    for name in reports:
        if name not in parts:
            raise unknown_key("reports", name, [*parts])
    commit, manifest = head_of_clean_tree(), read_manifest(folder)
    lines, released = [], []
    for name in reports or parts:
        note, files = parts[name]
        if bad := _not_valid({job for job, _ in files}):
            if reports:
                remedy = f"build it: `snakemake --config preset={PRESET} -- {name}_all`"
                raise InputError(name, "", f"{bad} of its files are not valid", remedy)
            lines.append(f"{name:16} not released: {bad} of its files are not valid")
            continue
        _copy([path for _, path in files], folder)
        manifest[name] = _entry(commit, note, files)
        write_json(folder / MANIFEST, manifest)
        lines.append(f"{name:16} {len(files)} files")
        released.append(name)
    if not released:
        command = f"snakemake --cores all --config preset={PRESET}"
        raise InputError(folder, "", "no report is valid here", f"build some: `{command}`")
    return "\n".join(lines)


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


def _not_valid(jobs: Iterable[Job]) -> int:
    found = [finding for verdict in verdicts(jobs) for finding in verdict.findings]
    return sum(finding.status is not Status.VALID for finding in found)


def _entry(commit: str, note: str, files: list[tuple[Job, Path]]) -> dict[str, Any]:
    """Return what the manifest says of a report; costs are of all jobs behind it."""
    jobs = [*ordered({job for job, _ in files})]
    told = read_costs(jobs)
    slowest = [[job_words(name), one["processor_seconds"]] for name, one in longest(told)]
    return {
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "note": note,
        "files": sorted(released_name(path) for _, path in files),
        "cost": {**measured(jobs, told), "slowest": slowest},
    }


def _copy(paths: Iterable[Path], folder: Path) -> None:
    """Copy files and their proofs; what was released before under such names goes."""
    for path in paths:
        copy = folder / released_name(path)
        for source, target in ((path, copy), (proof_path(path), proof_path(copy))):
            with written_aside(target) as aside:
                shutil.copyfile(source, aside)
