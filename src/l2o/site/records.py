"""What made each number: the proofs beside the artifacts of an edition, for the explorer."""

from __future__ import annotations

from typing import Any

from l2o.artifacts.job import Job
from l2o.artifacts.proof import read_proof
from l2o.layout import wildcards_of
from l2o.site.editions import Edition


def records(edition: Edition) -> dict[str, Any]:
    """Return the proofs of all artifacts of an edition that are there, JSON-able.

    ``files`` are, by path, the place of its job in ``jobs``, the SHA-256 and the status; a job's
    ``sources`` are places in ``sources``, pairs of module and hash, of which most jobs share many.
    """
    files: dict[str, tuple[int, str, str]] = {}
    jobs: list[dict[str, Any]] = []
    sources: dict[tuple[str, str], int] = {}
    for job, proof, there in edition.jobs:
        for path, status in there.items():
            found = read_proof(path)
            files[str(path)] = (len(jobs), found["sha256"] if found else "", status.value)
        pairs = (proof.get("sources") or {}).items()
        jobs.append(
            {
                "name": " ".join((job.kind, *_wildcards(job))),
                "key": proof["key"],
                "commands": _commands(edition, job),
                "parameters": proof.get("parameters") or {},
                "inputs": _inputs(edition, job, proof.get("inputs") or {}),
                "libraries": proof.get("libraries") or {},
                "sources": [sources.setdefault(pair, len(sources)) for pair in pairs],
            }
        )
    return {"edition": edition.name, "files": files, "jobs": jobs, "sources": [*sources]}


def _wildcards(job: Job) -> list[str]:
    return [job.wildcards[name] for name in wildcards_of(job.kind)]


def _commands(edition: Edition, job: Job) -> list[str]:
    """Return what makes it: with all that it needs, and by itself."""
    first = next(iter(job.writes.values()))
    alone = " ".join(("l2o", job.kind, *_wildcards(job), "--preset", edition.graph.preset))
    return [f"{edition.command} -- {first}", alone]


def _inputs(edition: Edition, job: Job, keys: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return role, path and key of each input that the proof names; of a copy no path is known."""
    paths = {} if edition.folder else job.inputs
    return [(role, str(paths.get(role, "")), key) for role, key in keys.items()]
