"""Files appear whole or not at all: written aside, flushed to disk, then renamed."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from l2o.errors import InputError


@contextmanager
def written_aside(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it replaces ``path`` atomically.

    Whatever goes wrong, ``path`` is either its old self or the complete new file, and the
    temporary file is removed. The temporary name keeps the suffix, for writers that look at it.

    Raises
    ------
    InputError : the disk is full or the folder cannot be written.
    """
    path = Path(path)
    aside = path.with_name(_aside_name(path, uuid.uuid4().hex))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        descriptor = os.open(aside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        aside.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            path, "", f"cannot be written ({reason})", "free disk space or choose another folder"
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process left beside ``path`` while it was writing it aside."""
    for file in path.parent.glob(_aside_name(path, "*")):
        mark = file.name.removeprefix(f".{path.stem}.").removesuffix(path.suffix)
        if re.fullmatch("[0-9a-f]{32}", mark):
            file.unlink(missing_ok=True)


def _aside_name(path: Path, mark: str) -> str:
    return f".{path.stem}.{mark}{path.suffix}"
