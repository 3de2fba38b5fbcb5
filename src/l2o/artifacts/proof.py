"""The proof beside every artifact: what made it, and the hash of what it must contain.

The proof of ``folder/name`` is ``folder/.provenance/name.json``: the record of the step that wrote
the file, with its key, and the SHA-256 of its bytes. An artifact is valid when its bytes have that
hash and the key is the one that current parameters and sources give. Times of files, and what any
tool remembers of them, count for nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from l2o.errors import InputError
from l2o.provenance import Step
from l2o.storage.json_files import read_json, write_json

FOLDER = ".provenance"


class Status(Enum):
    """What an artifact is worth under the current parameters and sources."""

    VALID = "valid"
    STALE = "stale"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True)
class Finding:
    """The status of one artifact and the reason in words."""

    path: Path
    status: Status
    reason: str = ""


def proof_path(path: str | Path) -> Path:
    """Return where the proof of an artifact lies."""
    path = Path(path)
    return path.parent / FOLDER / f"{path.name}.json"


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes; raises OSError if it cannot be read."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_proof(path: str | Path, record: Mapping[str, Any]) -> None:
    """Write the proof of a finished artifact from its step's record.

    Raises
    ------
    InputError : the artifact is missing, or the proof cannot be written.
    """
    try:
        content = file_hash(path)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise InputError(path, "", problem, "run the same command again") from error
    write_json(proof_path(path), {**record, "sha256": content})


def read_proof(path: str | Path) -> dict[str, Any] | None:
    """Return the proof of an artifact, or None if there is none that can be read."""
    try:
        proof = read_json(proof_path(path))
    except (InputError, OSError):
        return None
    sound = isinstance(proof, dict) and {"key", "sha256", "step"} <= proof.keys()
    return proof if sound else None


def examine(path: str | Path, key: str) -> Finding:
    """Hold an artifact against its proof and the key that it should have."""
    path = Path(path)
    if not path.is_file():
        return Finding(path, Status.MISSING, "no such file")
    proof = read_proof(path)
    if proof is None:
        return Finding(path, Status.STALE, "no proof of what made it")
    if file_hash(path) != proof["sha256"]:
        return Finding(path, Status.CORRUPT, "its bytes are not the ones that its step wrote")
    if proof["key"] != key:
        return Finding(path, Status.STALE, "made by other parameters, sources or inputs")
    return Finding(path, Status.VALID)


def require(path: str | Path, step: Step) -> None:
    """Refuse an input that is not valid.

    Raises
    ------
    InputError : it is missing, corrupt, or was not made by ``step`` as it is now.
    """
    finding = examine(path, step.key)
    if finding.status is not Status.VALID:
        problem = f"is {finding.status.value}: {finding.reason}"
        raise InputError(path, "", problem, "run snakemake again, which rebuilds it")
