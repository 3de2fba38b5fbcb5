"""A cache of artifacts shared by checkouts: key of a step -> the files that it wrote.

An entry is a folder ``ab/abcdef...`` with the files under their roles and a manifest of their
hashes. It is filled aside and renamed, so that of two writers one wins and nobody sees a part.
What is read is hashed while it is copied; an entry that is not what its manifest says is removed
and counts as absent. The cache never makes a step fail: what cannot be stored is only told.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from l2o.artifacts.proof import file_hash
from l2o.errors import InputError
from l2o.storage.atomic import written_aside
from l2o.storage.json_files import read_json, write_json

VARIABLE = "L2O_CACHE"
MANIFEST = "manifest.json"
CHUNK = 1 << 20


class _DamagedError(Exception):
    """An entry whose content is not what its manifest says."""


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
        if not entry.is_dir():
            return False
        try:
            hashes = self._manifest(entry, outputs)
            for role, path in outputs.items():
                _copy_checked(entry / role, path, hashes[role])
        except _DamagedError as error:
            shutil.rmtree(entry, ignore_errors=True)
            print(f"cache: removed a damaged entry ({error}): {entry}", file=sys.stderr)
            return False
        except FileNotFoundError:  # removed by somebody meanwhile
            return False
        return True

    def store(self, key: str, outputs: Mapping[str, Path]) -> None:
        """Keep copies of ``outputs`` (role: path) under ``key``, unless they are there already."""
        entry = self.entry(key)
        if entry.is_dir():
            return
        aside = entry.with_name(f".{key}.{uuid.uuid4().hex}")
        try:
            aside.mkdir(parents=True)
            for role, path in outputs.items():
                shutil.copyfile(path, aside / role)
            hashes = {role: file_hash(path) for role, path in outputs.items()}
            write_json(aside / MANIFEST, {"key": key, "files": hashes})
            aside.rename(entry)
        except (OSError, InputError) as error:
            if not entry.is_dir():  # else another writer was first
                print(f"cache: cannot store {key[:12]} ({error})", file=sys.stderr)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    @staticmethod
    def _manifest(entry: Path, outputs: Mapping[str, Path]) -> dict[str, str]:
        try:
            manifest = read_json(entry / MANIFEST)
            hashes = manifest["files"]
            if manifest["key"] != entry.name or hashes.keys() != outputs.keys():
                raise _DamagedError("it belongs to another step")
        except (InputError, KeyError, TypeError, AttributeError) as error:
            raise _DamagedError("its manifest cannot be read") from error
        return hashes


def shared_cache() -> SharedCache | None:
    """Return the cache that the environment variable L2O_CACHE names, if it names one."""
    folder = os.environ.get(VARIABLE, "")
    return SharedCache(folder) if folder else None


def _copy_checked(source: Path, target: Path, expected: str) -> None:
    """Copy a file, which appears at ``target`` only if its content has the expected hash."""
    found = hashlib.sha256()
    with source.open("rb") as reader, written_aside(target) as aside:
        with aside.open("wb") as writer:
            while block := reader.read(CHUNK):
                found.update(block)
                writer.write(block)
        if found.hexdigest() != expected:
            raise _DamagedError(f"{source.name} has other bytes than when it was stored")
