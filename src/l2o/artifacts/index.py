"""What files held when they were last read, so that a start need not read them again: as in git.

A fact is used only while size, inode, device, time of change of content and time of change of
status are those of the reading. A file that changed shortly before it was read, or is dated in the
future, is not remembered: it could change again within the same tick of the clock.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from l2o.artifacts.proof import Stamp, proof_name, stamp_of
from l2o.provenance.journal import Journal, memory_folder
from l2o.storage.paths import kind_at

MEMORY = "files"  # name of the file in the folder of what is remembered
EDITION = "size inode device mtime ctime, content or key content; 1"  # of a fact, as text
SETTLED_NS = 3_000_000_000  # the coarsest clock of a file system ticks every two seconds
BATCH = 1000  # facts written together
INTERVAL_S = 5.0  # of reading that a killed process loses at most


class Known(NamedTuple):
    """A file of which everything is remembered: its proof and the hash of its content."""

    stamp: Stamp
    content: str


class FileIndex:
    """Hashes of files and contents of proofs, read again only where files changed.

    Parameters
    ----------
    folder : where facts are kept; None keeps them for this process alone
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._settled = _moment(folder) - SETTLED_NS  # before any reading
        self._journal = Journal(folder and folder / MEMORY, EDITION)
        self._facts = self._journal.read()
        self._new: dict[str, str] = {}
        self._kept, self._lock = time.monotonic(), threading.Lock()

    @classmethod
    def of_checkout(cls) -> FileIndex:
        """Return the one in the current folder, if this is a checkout."""
        return cls(memory_folder())

    def recall(self, path: str) -> Known | None:
        """Return what is known of an artifact without reading anything; None if that is not all."""
        stamp = self._recalled(proof_name(path))
        content = stamp and self._recalled(path)
        return Known(Stamp(*stamp.split(" ")), content) if content else None

    def content(self, path: str) -> str:
        """Return the SHA-256 of a file; raises OSError if it cannot be read."""
        return self._read(path, lambda file: hashlib.file_digest(file, "sha256").hexdigest())

    def stamp(self, path: str) -> Stamp | None:
        """Return what the proof of an artifact says, or None if there is none that can be read."""
        try:
            found = self._read(proof_name(path), _stamp_text)
        except OSError:
            return None
        return Stamp(*found.split(" ")) if found else None

    def keep(self) -> None:
        """Let other processes know what is new."""
        with self._lock:
            if self._new and self._journal.worn:
                there = {path: fact for path, fact in self._facts.items() if kind_at(Path(path))}
                self._journal.replace(there)
                self._journal.worn = False
            else:
                self._journal.add(self._new)
            self._new, self._kept = {}, time.monotonic()

    def _recalled(self, path: str) -> str:
        """Return what a file held, if all is as it was then; else nothing."""
        fact = self._facts.get(path)
        if fact is None:
            return ""
        try:
            found = os.stat(path)  # noqa: PTH116 (a Path costs more than the call)
        except OSError:
            return ""
        signature = _signature(found)
        known = fact.startswith(signature) and self._is_settled(found)
        return fact[len(signature) :] if known else ""

    def _read(self, path: str, work: Callable[[BinaryIO], str]) -> str:
        recalled = self._recalled(path)
        if recalled:
            return recalled
        with Path(path).open("rb") as file:
            before = os.fstat(file.fileno())  # a change while it is read makes another state
            found = work(file)
        if found and self._is_settled(before):
            with self._lock:
                self._facts[path] = self._new[path] = _signature(before) + found
                due = len(self._new) >= BATCH or time.monotonic() > self._kept + INTERVAL_S
            if due:
                self.keep()
        return found

    def _is_settled(self, found: os.stat_result) -> bool:
        return max(found.st_mtime_ns, found.st_ctime_ns) < self._settled


def _signature(found: os.stat_result) -> str:
    """Return what identifies a state of a file, as text that ends in a space."""
    times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
    return f"{found.st_size} {found.st_ino} {found.st_dev} {times} "


def _stamp_text(file: BinaryIO) -> str:
    """Return the key and the content that a proof states; nothing if it is none."""
    stamp = stamp_of(file.read())
    return " ".join(stamp) if stamp else ""


def _moment(folder: Path | None) -> int:
    """Return the present by this machine's clock or the file system's, whichever is behind."""
    now = time.time_ns()
    try:
        if folder is None:
            return now
        folder.mkdir(exist_ok=True)
        os.utime(folder)
        return min(now, folder.stat().st_mtime_ns)
    except OSError:
        return now
