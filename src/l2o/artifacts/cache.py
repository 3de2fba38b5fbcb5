"""A cache of artifacts shared by checkouts: key of a step -> the files that it wrote.

An entry is a folder ``ab/abcdef...`` with the files under their roles and a manifest of their
hashes, and of what the step cost. It is filled aside and renamed, so that of two writers one wins
and nobody sees a part. What is read is hashed while it is copied; an entry that is not what its
manifest says is removed and counts as absent. The cache never makes a step fail: what cannot be
read or stored is only told.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from l2o.artifacts.proof import file_hash
from l2o.errors import InputError
from l2o.storage.atomic import written_aside
from l2o.storage.json_files import write_json
from l2o.storage.paths import kind_at

VARIABLE = "L2O_CACHE"
MANIFEST = "manifest.json"
CHUNK = 1 << 20


class _DamagedError(Exception):
    """An entry whose content is not what its manifest says."""


class _UnreadableError(Exception):
    """An entry that the system does not let be read."""


class SharedCache:
    """Files by the key of the step that wrote them, in a folder that checkouts share."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()

    def entry(self, key: str) -> Path:
        """Return the folder of a key."""
        return self.folder / key[:2] / key

    def restore(self, key: str, outputs: Mapping[str, Path]) -> bool:
        """Copy the entry of ``key`` to ``outputs`` (role: path); say whether there was one."""
        entry = self.entry(key)
        if kind_at(entry) != stat.S_IFDIR:
            return False
        try:
            hashes = self._manifest(entry, outputs)
            for role, path in outputs.items():
                _copy_checked(entry / role, path, hashes[role])
        except _DamagedError as error:
            shutil.rmtree(entry, ignore_errors=True)
            print(f"cache: removed a damaged entry ({error}): {entry}", file=sys.stderr)
            return False
        except _UnreadableError as error:
            print(f"cache: cannot read {key[:12]} ({error})", file=sys.stderr)
            return False
        return True

    def cost(self, key: str) -> dict[str, Any]:
        """Return what the step of an entry cost, as far as it is known."""
        try:
            cost = json.loads((self.entry(key) / MANIFEST).read_bytes()).get("cost")
        except (OSError, ValueError, AttributeError):
            return {}
        return cost if isinstance(cost, dict) else {}

    def store(
        self, key: str, outputs: Mapping[str, Path], cost: Mapping[str, Any] | None = None
    ) -> None:
        """Keep copies of ``outputs`` (role: path) under ``key``, unless they are there already.

        ``cost`` is what the step took (:mod:`l2o.artifacts.cost`).
        """
        entry = self.entry(key)
        if kind_at(entry) == stat.S_IFDIR:
            return
        aside = entry.with_name(f".{key}.{uuid.uuid4().hex}")
        try:
            aside.mkdir(parents=True)
            for role, path in outputs.items():
                shutil.copyfile(path, aside / role)
            hashes = {role: file_hash(path) for role, path in outputs.items()}
            write_json(aside / MANIFEST, {"key": key, "files": hashes, "cost": dict(cost or {})})
            aside.rename(entry)
        except (OSError, InputError) as error:
            if kind_at(entry) != stat.S_IFDIR:  # else another writer was first
                print(f"cache: cannot store {key[:12]} ({error})", file=sys.stderr)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    @staticmethod
    def _manifest(entry: Path, outputs: Mapping[str, Path]) -> dict[str, str]:
        try:
            manifest = json.loads(b"".join(_blocks(entry / MANIFEST)))
            hashes = manifest["files"]
            if manifest["key"] != entry.name or hashes.keys() != outputs.keys():
                raise _DamagedError("it belongs to another step")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _DamagedError("its manifest cannot be read") from error
        return hashes


def shared_caches() -> list[SharedCache]:
    """Return the caches that the environment variable L2O_CACHE names, as PATH names folders.

    All are read, in this order; what is new goes to the first one.

    Raises
    ------
    InputError : one is in the home of a user that there is not.
    """
    return [_named(each) for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each]


def _named(folder: str) -> SharedCache:
    try:
        return SharedCache(folder)
    except RuntimeError as error:  # ~ of a user that there is not
        raise InputError(VARIABLE, "", f"{folder} names no folder", "name one") from error


def _copy_checked(source: Path, target: Path, expected: str) -> None:
    """Copy a file, which appears at ``target`` only if its content has the expected hash."""
    found = hashlib.sha256()
    with written_aside(target) as aside:
        with aside.open("wb") as writer:
            for block in _blocks(source):
                found.update(block)
                writer.write(block)
        if found.hexdigest() != expected:
            raise _DamagedError(f"{source.name} has other bytes than when it was stored")


def _blocks(source: Path) -> Iterator[bytes]:
    """Yield the content of a file; its errors are not those of where it is written to."""
    try:
        with source.open("rb") as reader:
            while block := reader.read(CHUNK):
                yield block
    except FileNotFoundError as error:
        raise _DamagedError(f"{source.name} is missing") from error
    except OSError as error:
        raise _UnreadableError(str(error)) from error
