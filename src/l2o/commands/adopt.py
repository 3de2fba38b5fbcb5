"""The command that takes released reports into a clone, as if they had been built in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from l2o.artifacts.job import Job
from l2o.artifacts.manifest import PRESET, RELEASED, read_manifest, released_name
from l2o.artifacts.production import require_place
from l2o.artifacts.proof import Status, examine, proof_path
from l2o.commands.release import copy_proven, released_files
from l2o.config.nearest import unknown_key
from l2o.errors import InputError
from l2o.experiments.graph import Graph


def adopt(reports: Iterable[str] = (), folder: Path = RELEASED) -> str:
    """Put released files where their jobs write them; return what was done.

    A job whose files are valid asks for no inputs, so that what is made of released tables, such as
    the paper's claims or a page that is drawn in another way, needs no training. Nothing that is
    not valid under today's parameters and sources is taken, and nothing valid is replaced.

    Parameters
    ----------
    reports : their names; none: all that are released
    folder : of the copies, with their proofs and the manifest

    Raises
    ------
    InputError : no such report, none is released, or a file's place cannot be written to.
    """
    graph, reports, there = Graph(PRESET), [*reports], read_manifest(folder)
    parts = released_files(graph)
    known = [name for name in parts if name in there]
    for name in reports:
        if name not in known:
            raise unknown_key("reports", name, known)
    if not known:
        raise InputError(
            folder, "", "holds no released report", "give a folder that `l2o release` wrote"
        )
    return "\n".join(_adopted(name, parts[name], folder) for name in reports or known)


def _adopted(name: str, files: list[tuple[Job, Path]], folder: Path) -> str:
    """Take what is valid of one report; return the line that says so."""
    taken = here = 0
    for job, path in files:
        copy = folder / released_name(path)
        if examine(path, job.key).status is Status.VALID:
            here += 1
        elif examine(copy, job.key).status is Status.VALID:
            for place in (path, proof_path(path)):
                require_place(place)
            copy_proven(copy, path)
            taken += 1
    left = len(files) - taken - here
    told = [f"{taken} files taken"]
    told += [f"{here} were valid here"] if here else []
    told += [f"{left} are not valid (`l2o verify --released` says why)"] if left else []
    return f"{name:16} {', '.join(told)}"
