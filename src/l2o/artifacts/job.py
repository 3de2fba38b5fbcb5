"""A job of the pipeline: what it reads, what it writes, and what decides every byte of it.

The graph stands here and nowhere else: Snakemake asks jobs for their inputs, proofs take their
keys, `l2o verify` walks them, and a command finds in its job all that it needs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from l2o.artifacts.index import FileIndex
from l2o.errors import InputError
from l2o.provenance import (
    NUMERICAL_LIBRARIES,
    closure_digest,
    digest,
    library_version,
    source_closure,
)

PARTS = ("step", "parameters", "inputs", "order", "libraries", "sources")  # of a key
_FILES = FileIndex()  # many jobs read the same file of the repository


class Artifact(NamedTuple):
    """A file that a job writes."""

    job: Job
    role: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.job.writes[self.role]


@dataclass(frozen=True)
class Resources:
    """What a scheduler is told of a job.

    Parameters
    ----------
    memory_mb, minutes : at the first attempt; each further one gets as much again
    threads : of the CPU
    gpu : whether it uses one
    large : takes gigabytes, so that such jobs run one at a time
    """

    memory_mb: int = 1000
    minutes: int = 10
    threads: int = 1
    gpu: bool = False
    large: bool = False


@dataclass(frozen=True, eq=False)
class Job:
    """One job.

    Parameters
    ----------
    kind : names its rule, its command and the function that does the work
    wildcards : of the rule, by name; kind and wildcards are unique in a graph
    parameters : all that the work may know beside its inputs, JSON-able
    sources : entries of the code it runs, see :func:`l2o.provenance.source_closure`; the first is
        the work itself, a function of a :class:`Given`
    reads : artifacts of other jobs, by role
    files : files that the repository brings along, by role
    writes : paths, by role
    libraries : distributions whose version changes the output
    resources : what a scheduler is told
    state : where a work that can be interrupted keeps what it has
    """

    kind: str
    wildcards: Mapping[str, str]
    parameters: Mapping[str, Any]
    sources: tuple[str, ...]
    reads: Mapping[str, Artifact]
    writes: Mapping[str, Path]
    files: Mapping[str, Path] = field(default_factory=dict)
    libraries: tuple[str, ...] = NUMERICAL_LIBRARIES
    resources: Resources = Resources()
    state: Path | None = None

    def __getitem__(self, role: str) -> Artifact:
        """Return one of the artifacts that it writes."""
        return Artifact(self, role)

    @cached_property
    def name(self) -> tuple:
        """Kind and wildcards, as :func:`job_name` gives them."""
        return job_name(self.kind, self.wildcards)

    @property
    def inputs(self) -> dict[str, Path]:
        """The paths of all that it reads, by role."""
        return {**{role: a.path for role, a in self.reads.items()}, **self.files}

    @cached_property
    def key(self) -> str:
        """The hash over all of the record: equal keys promise equal bytes.

        Raises
        ------
        InputError : a file of the repository is missing.
        """
        before = [artifact.job for artifact in self.reads.values() if not artifact.job._has_key]
        for job in ordered(before, lambda job: job._has_key):  # no recursion, however long a chain
            _ = job.key
        return digest({**self._content, "sources": closure_digest(*self.sources)})

    @property
    def record(self) -> dict[str, Any]:
        """The readable provenance that lies beside its artifacts, with its key."""
        sources = source_closure(*self.sources)
        return {**self._content, "sources": dict(sources), "key": self.key}

    @cached_property
    def _content(self) -> dict[str, Any]:
        return {
            "step": self.kind,
            "parameters": dict(self.parameters),
            "inputs": {
                **{role: artifact.job.key for role, artifact in self.reads.items()},
                **{role: content_hash(path) for role, path in self.files.items()},
            },
            # Which file of a job is read, and the order, that of rows where tables are joined.
            "order": [*((role, a.role) for role, a in self.reads.items()), *self.files],
            "libraries": {name: library_version(name) for name in self.libraries},
        }

    @property
    def _has_key(self) -> bool:
        return "key" in self.__dict__

    def given(self) -> Given:
        """Return what its work is given."""
        where = self.inputs, dict(self.writes), self.state
        return Given(self.parameters, *where, self.record)

    def work(self) -> None:
        """Do the work: write all artifacts."""
        resolved(self.sources[0])(self.given())


@dataclass(frozen=True)
class Given:
    """All that a work may use: what is not in here, and so not in the key, it cannot read.

    Parameters
    ----------
    parameters : of the job
    inputs, outputs : paths by role
    state : where an unfinished work is kept
    record : of the job, with its key
    """

    parameters: Mapping[str, Any]
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    state: Path | None
    record: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The key of the job."""
        return self.record["key"]


def job_name(kind: str, wildcards: Mapping[str, str]) -> tuple:
    """Return what a job is found by, whatever the order of its wildcards."""
    return (kind, *sorted(wildcards.items()))


def key_of(record: Mapping[str, Any]) -> str:
    """Return the key that a record, as it lies beside an artifact, should have."""
    content = {name: value for name, value in record.items() if name in PARTS}
    return digest({**content, "sources": digest(record["sources"])})


def ordered(jobs: Iterable[Job], leave: Callable[[Job], bool] | None = None) -> Iterator[Job]:
    """Yield jobs and all that they read, each once, inputs before what is made of them.

    Parameters
    ----------
    leave : says of which jobs neither they nor what they read is wanted

    Raises
    ------
    ValueError : a job reads, by way of others, what it makes itself.
    """
    done: set[int] = set()
    open_: set[int] = set()  # whose inputs are being yielded
    waiting = [(job, False) for job in reversed([*jobs])]
    while waiting:
        job, ready = waiting.pop()
        if ready:
            open_.remove(id(job))
            done.add(id(job))
            yield job
        elif id(job) in open_:
            raise ValueError(f"a circle of jobs: {job.name} needs its own artifacts")
        elif id(job) not in done and not (leave and leave(job)):
            open_.add(id(job))
            waiting.append((job, True))
            waiting += [(artifact.job, False) for artifact in reversed([*job.reads.values()])]


def resolved(entry: str) -> Any:
    """Return the definition that an entry such as ``l2o.module:name`` names."""
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


def content_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file that the repository brings along.

    Raises
    ------
    InputError : it cannot be read.
    """
    try:
        return _FILES.content(str(path))
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        remedy = "restore it (`git checkout -- FILE`), or correct the parameter that names it"
        raise InputError(path, "", problem, remedy) from error
