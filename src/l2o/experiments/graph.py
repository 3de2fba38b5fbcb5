"""The graph of jobs: all experiments under one preset, found by their folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from l2o.artifacts.job import Job, job_name
from l2o.config.nearest import unknown_key
from l2o.errors import InputError
from l2o.experiments import shared
from l2o.experiments.experiment import Experiment
from l2o.experiments.register import ROOMS, room, rooms
from l2o.layout import wildcards_of

CAPTIONS = {  # of results in Snakemake's report
    "train": "Loss history of {method} on the setting {setting}, by validation.",
    "join": "The {table} of all settings and methods.",
    "table": "All methods, beside the published values where there are any.",
    "figure": "A second page of the PDF lays published curves over ours, where there are any.",
    "verdict": "The best learned method of each panel against the strongest classical one.",
    "claims": "Each claim of the paper, what is checked, the verdict on our tables, the numbers.",
    "records": "The key of every artifact: its parameters, sources, inputs and libraries.",
}
DEFAULT_PRESET = "laptop"  # its figures and tables are also shown at the top of reports/


class Graph:
    """All jobs under one preset.

    Parameters
    ----------
    preset : one of :data:`l2o.config.values.PRESETS`
    only : methods that take part; none: all. Experiments without any of them are left out.

    Raises
    ------
    InputError : bad parameters, an unknown preset or method.
    """

    def __init__(self, preset: str, only: Iterable[str] = ()) -> None:
        self.preset, self.only = preset, tuple(only)
        self.experiments: dict[str, Experiment] = {}
        whole: dict[str, Experiment] = {}
        known = {}
        for name, kind in rooms().items():
            everything = whole[name] = kind(preset, others=whole)
            known |= everything.contestants
            if not self.only:
                self.experiments[name] = everything
            elif {*self.only} & {*everything.contestants}:
                here = [method for method in self.only if method in everything.contestants]
                self.experiments[name] = kind(preset, here, others=self.experiments)
        for method in self.only:
            if method not in known:
                raise unknown_key("methods", method, list(known))

    @property
    def reports(self) -> dict[str, Experiment]:
        """The experiments by the name that their targets have, such as ``fig5``."""
        return {one.base: one for one in self.experiments.values()}

    @cached_property
    def claims(self) -> Job | None:
        """The job that tests the paper's claims, if it makes any about these experiments."""
        return shared.claims(self.experiments.values(), self.preset)

    @cached_property
    def verdict(self) -> Job | None:
        """The job that holds learned methods against classical ones, if any have targets."""
        return shared.verdict(self.experiments.values(), self.preset)

    @property
    def judged(self) -> list[Job]:
        """The jobs about all experiments together: the paper's claims, and the verdict."""
        return [job for job in (self.claims, self.verdict) if job is not None]

    @property
    def targets(self) -> dict[str, tuple[list[Job], list[Job]]]:
        """What can be asked for by name: the jobs that write it, and all jobs behind it."""
        found = {n: (self.wanted(n), [*one.jobs()]) for n, one in self.reports.items()}
        for name in ("claims", "verdict"):
            jobs = [job for job in self.judged if job.kind == name]
            found[name] = (jobs, jobs)
        return found

    @cached_property
    def jobs(self) -> list[Job]:
        """Every job that reports need, inputs before what is made of them."""
        jobs = {job.name: job for one in self.experiments.values() for job in one.jobs()}
        return [*jobs.values(), *self.judged]

    @cached_property
    def apart(self) -> list[Job]:
        """Jobs that no report needs, the pages of Snakemake's report, and the copies at the top."""
        jobs = [job for one in self.experiments.values() for job in one.apart()]
        if self.only:
            return jobs
        made = [shared.records(n, *of, self.preset) for n, of in self.targets.items() if of[0]]
        return [*jobs, *made, *self.copies]

    @cached_property
    def copies(self) -> list[Job]:
        """The copies of reports at the top, which the default preset alone has."""
        if self.preset != DEFAULT_PRESET or self.only:
            return []
        return shared.copies(self.experiments.values(), self.judged, self.preset)

    def copies_of(self, base: str) -> list[Job]:
        """Return the copies of one report, or of the claims."""
        stems = (base, f"{base}_table")  # another report may begin with the same letters
        return [job for job in self.copies if Path(job.wildcards["file"]).stem in stems]

    def wanted(self, base: str = "") -> list[Job]:
        """Return the jobs that write what a reader wants, of one report or of all."""
        chosen = [one for one in self.experiments.values() if base in ("", one.base)]
        jobs = [job for one in chosen for job in one.reports()]
        return jobs if base else [*jobs, *self.judged]

    def title(self, wildcards: Any) -> str:
        """Return the heading of a result in Snakemake's report."""
        one = self._owner(wildcards)
        return one.title if one else ""

    def caption(self, kind: str, wildcards: Any) -> str:
        """Return what a result is, for Snakemake's report."""
        one, what = self._owner(wildcards), CAPTIONS[kind].format(**dict(wildcards.items()))
        if one is None:
            return what
        return f"**{one.title}**. {what} {one.about()} Preset {self.preset}: {one.sizes.note}."

    def _owner(self, wildcards: Any) -> Experiment | None:
        """Return the experiment that wildcards name by its room, its report or a figure."""
        names = {value for _, value in wildcards.items()}
        for one in self.experiments.values():
            if names & {one.name, one.report_name, *one.figure_names}:
                return one
        return None


def find(kind: str, values: Iterable[str], preset: str, only: Iterable[str] = ()) -> Job:
    """Return one job, by what its command is given, and build no more of the graph than it reads.

    Parameters
    ----------
    kind : one of :data:`l2o.layout.KINDS`
    values : of its wildcards, in the order of :func:`l2o.layout.wildcards_of`; an experiment may
        be called by its room or by its report

    Raises
    ------
    InputError : no such job.
    """
    values = list(values)
    names = wildcards_of(kind)
    first = names[0] if names else ""
    if first in ("experiment", "report", "figure"):
        one = experiment(values[0], preset, only)
        if "setting" in names:  # before anything looks it up
            one.place(values[names.index("setting")], one.parameters.training_settings)
        if kind == "figure":
            return one.figure(values[0] if values[0] in one.figure_names else one.report_name)
        if kind == "join":
            return _named(one.joined(), values[1], "table")
        job = getattr(one, kind)(*values[1:])
        if job is None:
            problem = f"there is nothing to do for {' '.join(values[1:])}"
            raise InputError(one.path, kind, problem, "see `l2o check`")
        return job
    if kind in ("records", "copy") and Path(values[0]).stem not in ("claims", "verdict"):
        return _about(kind, values[0], preset, only)
    if kind == "store" and values == [shared.digits(preset).wildcards["dataset"]]:
        return shared.digits(preset)
    graph = Graph(preset, only)
    wanted = job_name(kind, dict(zip(names, values, strict=True)))
    jobs = {job.name: job for job in (*graph.jobs, *graph.apart)}
    if wanted not in jobs:
        there = [" ".join(job.wildcards.values()) for job in jobs.values() if job.kind == kind]
        raise unknown_key(kind, " ".join(values), there)
    return jobs[wanted]


def _about(kind: str, name: str, preset: str, only: Iterable[str]) -> Job:
    """Return the page of proofs of a report, or the copy of one of its files."""
    one = experiment(Path(name).stem, preset, only)
    if kind == "records":
        return shared.records(one.base, one.reports(), one.jobs(), preset)
    there = preset == DEFAULT_PRESET and not one.only
    made = {j.wildcards["file"]: j for j in shared.copies([one] * there, (), preset)}
    return _named(made, name, kind)


def _named(found: Mapping[str, Job], name: str, what: str) -> Job:
    if name not in found:
        raise unknown_key(what, name, list(found))
    return found[name]


def experiment(
    name: str, preset: str, only: Iterable[str] = (), path: str | Path | None = None
) -> Experiment:
    """Return an experiment by the name of its room, of its report or of one of its figures.

    Raises
    ------
    InputError : no such experiment, or bad parameters.
    """
    if name in [path.parent.name for path in ROOMS.glob("*/experiment.py")]:
        return room(name)(preset, only, path)
    found = rooms()
    for kind in sorted(found.values(), key=lambda kind: -len(kind.report or kind.room())):
        base = kind.report or kind.room().rpartition(".")[2]
        if name == base or name.startswith(f"{base}_"):
            return kind(preset, only, path)
    raise unknown_key("experiment", name, [*found, *(k.report for k in found.values() if k.report)])
