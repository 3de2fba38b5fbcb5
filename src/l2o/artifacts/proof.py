"""The proof beside every artifact: what made it, and the hash of what it must contain.

The proof of ``folder/name`` is ``folder/.provenance/name.json``: the record of the job that wrote
the file, with its key, and the SHA-256 of its bytes. An artifact is valid when its bytes have that
hash and the key is the one that current parameters and sources give. Times of files, and what any
tool remembers of them, count for nothing; the index of :mod:`l2o.artifacts.index` only saves
reading what was read before.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from l2o.errors import InputError
from l2o.storage.json_files import write_json

FOLDER = ".provenance"
FEW = 2  # names of sources that are told
HASH = re.compile("[0-9a-f]{64}")
NO_FILE = "a folder, or a link to no file"


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


class Stamp(NamedTuple):
    """What decides, of a proof: the key of the job and the SHA-256 of the artifact."""

    key: str
    sha256: str


class Reader(Protocol):
    """Reads artifacts and their proofs, or knows what reading them would give."""

    def content(self, path: str) -> str:
        """Return the SHA-256 of a file; raises OSError if it cannot be read."""

    def stamp(self, path: str) -> Stamp | None:
        """Return what the proof of an artifact says, or None if there is none to be read."""


def proof_name(path: str) -> str:
    """Return where the proof of an artifact lies."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{FOLDER}/{name}.json"


def proof_path(path: str | Path) -> Path:
    """Return where the proof of an artifact lies."""
    return Path(proof_name(str(path)))


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes; raises OSError if it cannot be read."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_proof(path: str | Path, record: Mapping[str, Any]) -> None:
    """Write the proof of a finished artifact from its job's record.

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
        return _proof(proof_path(path).read_bytes())
    except OSError:
        return None


def stamp_of(proof: bytes) -> Stamp | None:
    """Return what the bytes of a proof say, or None if they are none."""
    found = _proof(proof)
    return found and Stamp(found["key"], found["sha256"])


def _proof(content: bytes) -> dict[str, Any] | None:
    try:
        proof = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(proof, dict) or not {"key", "sha256", "step"} <= proof.keys():
        return None
    hashes = str(proof["key"]), str(proof["sha256"])
    return proof if all(map(HASH.fullmatch, hashes)) else None


class _EveryByte:
    """The reader that knows nothing beforehand."""

    def content(self, path: str) -> str:
        return file_hash(path)

    def stamp(self, path: str) -> Stamp | None:
        proof = read_proof(path)
        return proof and Stamp(proof["key"], proof["sha256"])


def examine(path: str | Path, key: str, reader: Reader | None = None) -> Finding:
    """Hold an artifact against its proof and the key that it should have.

    Parameters
    ----------
    path : of the artifact
    key : of the job that should have written it
    reader : knows what it read before; without one every byte is read
    """
    path, reader = Path(path), reader or _EveryByte()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Finding(path, Status.CORRUPT, NO_FILE)
        stamp = reader.stamp(str(path))
        if stamp is None:
            return Finding(path, Status.STALE, "no proof of what made it can be read")
        content = reader.content(str(path))
    except (FileNotFoundError, NotADirectoryError):
        if os.path.lexists(path):
            return Finding(path, Status.CORRUPT, NO_FILE)
        return Finding(path, Status.MISSING, "no such file")
    except OSError as error:
        return Finding(path, Status.CORRUPT, f"it cannot be read ({error.strerror})")
    return judged(path, key, stamp, content)


def judged(path: Path, key: str, stamp: Stamp, content: str) -> Finding:
    """Return what is to be said of an artifact whose bytes have the hash ``content``."""
    if content != stamp.sha256:
        return Finding(path, Status.CORRUPT, "its bytes are not the ones that its job wrote")
    if stamp.key != key:
        return Finding(path, Status.STALE, "made by other parameters, sources or inputs")
    return Finding(path, Status.VALID)


def require(path: str | Path, key: str) -> None:
    """Refuse an input that is not valid; every byte of it is read.

    Raises
    ------
    InputError : it is missing, corrupt, or was not made by the job with ``key``.
    """
    finding = examine(path, key)
    if finding.status is not Status.VALID:
        problem = f"is {finding.status.value}: {finding.reason}"
        raise InputError(path, "", problem, "run snakemake again, which rebuilds it")


def difference(proof: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return in words what made an artifact that is not what a record of today says."""
    record = json.loads(json.dumps(record))
    differ = {part for part in record if proof.get(part) != record[part]}
    told = [part for part in ("inputs", "parameters") if part in differ]
    if "order" in differ and "inputs" not in differ:
        told.append("order of inputs")
    told += [_named(part, proof, record) for part in ("libraries", "sources") if part in differ]
    return f"made by other {', '.join(sorted(told))}" if told else "made by another step"


def _named(part: str, proof: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return a part, and which of what it names differ: not too many."""
    old, new = proof.get(part), record.get(part)
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return part
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"{part} ({', '.join(names[:FEW])}{more})"
