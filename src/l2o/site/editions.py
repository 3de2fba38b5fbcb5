"""The editions of the results: each preset as it is built here, and the released copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from l2o.artifacts.demand import verdicts
from l2o.artifacts.index import FileIndex
from l2o.artifacts.job import Artifact, Job
from l2o.artifacts.manifest import RELEASED, read_manifest, released_name
from l2o.artifacts.proof import Status, examine, read_proof
from l2o.config.values import PRESETS
from l2o.experiments.experiment import Experiment
from l2o.experiments.graph import Graph

_BEST = ("paper", "laptop", "released", "smoke")  # what a reader sees first, if it is there


@dataclass(frozen=True)
class Edition:
    """The results of one preset, where they lie.

    Parameters
    ----------
    name : of the preset; "released" for the copies in the repository
    graph : of the preset
    folder : where copies lie by their names; None: where the graph's jobs write
    """

    name: str
    graph: Graph
    folder: Path | None = None

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return "released" if self.folder else self.name

    @property
    def command(self) -> str:
        """What builds it."""
        return f"snakemake --cores all --config preset={self.graph.preset}"

    def place(self, artifact: Artifact) -> Path:
        """Return where an artifact lies in this edition."""
        return self.folder / released_name(artifact.path) if self.folder else artifact.path

    def tables(self, experiment: Experiment) -> dict[str, Path]:
        """Return the tables of an experiment that are there, by name."""
        places = {name: self.place(job["table"]) for name, job in experiment.tables().items()}
        return {name: path for name, path in places.items() if path.is_file()}

    @cached_property
    def jobs(self) -> list[tuple[Job, dict[str, Any], dict[Path, Status]]]:
        """Each job of which files are there, its proof, and the status of its proven files."""
        jobs = []
        for job, found in self._statuses:
            there = {path: status for path, status in found.items() if status != Status.MISSING}
            proofs = {path: proof for path in there if (proof := read_proof(path))}
            if proofs:
                first = next(iter(proofs.values()))
                jobs.append((job, first, {path: there[path] for path in proofs}))
        return jobs

    @cached_property
    def proven(self) -> set[str]:
        """The paths of all files that a proof lies beside."""
        return {str(path) for _, _, there in self.jobs for path in there}

    def built_by(self, experiment: Experiment) -> str:
        """Return commit and date of a released report, as far as a manifest tells them."""
        entry = self._manifest.get(experiment.base)
        return f"{entry['commit'][:10]}, {entry['date']}" if entry else ""

    @cached_property
    def _manifest(self) -> dict[str, dict[str, Any]]:
        return read_manifest(self.folder) if self.folder else {}

    def statuses(self, experiment: Experiment) -> list[Status]:
        """Return the status of every file that an experiment's readers want."""
        names = {job.name for job in experiment.reports()}
        found = (files for job, files in self._statuses if job.name in names)
        return [status for files in found for status in files.values()]

    @cached_property
    def _statuses(self) -> list[tuple[Job, dict[Path, Status]]]:
        jobs = self.graph.jobs
        if not self.folder:
            found = verdicts(jobs, FileIndex.of_checkout())
            return [(one.job, {f.path: f.status for f in one.findings}) for one in found]
        copies = [
            (job, {path: self.folder / released_name(path) for path in job.writes.values()})
            for job in jobs
        ]
        return [
            (job, {at: examine(at, job.key).status for at in named.values() if at.is_file()})
            for job, named in copies
            if job.kind in ("join", "table", "figure", "claims", "verdict")
        ]


def editions(released: Path = RELEASED) -> list[Edition]:
    """Return the editions of which any table of curves is there, what a reader sees first first."""
    graphs = {preset: Graph(preset) for preset in PRESETS}
    found = {name: Edition(name, graph) for name, graph in graphs.items()}
    found["released"] = Edition("released", graphs["paper"], released)
    built = [found[name] for name in _BEST if any(_curves(found[name]))]
    return built


def _curves(edition: Edition) -> Iterator[bool]:
    for experiment in edition.graph.experiments.values():
        yield "curves" in edition.tables(experiment)
