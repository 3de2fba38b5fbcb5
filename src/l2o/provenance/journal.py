"""Facts that outlive a process, in a file to which any number of processes append.

A line holds some facts and a checksum over them. What a killed process, a full disk or another
program made of a line fails its checksum and counts as absent; so do lines of another edition. No
lock is taken, and no error raised: what is lost, or cannot be written, is found out again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from l2o.errors import InputError
from l2o.storage.atomic import remove_leftovers, written_aside

FOLDER = ".l2o"
WORN = 1_000_000  # bytes that a file may waste
BATCH = 1000  # facts a line: a damaged line costs no more


def memory_folder() -> Path | None:
    """Return where this checkout keeps what it remembers; None outside of a checkout."""
    here = Path.cwd()
    return here / FOLDER if (here / "Snakefile").is_file() else None


class Journal:
    """Facts by name.

    Parameters
    ----------
    path : of the file, which need not exist; None remembers nothing
    edition : of those who write facts; what another one wrote is not read
    """

    def __init__(self, path: Path | None, edition: str) -> None:
        self.path, self._edition = path, edition.encode()
        self.size = 0  # bytes when it was read
        self.worn = False  # whether it holds more than twice what it needs

    def read(self) -> dict[str, Any]:
        """Return all facts; of several by one name the last."""
        facts: dict[str, Any] = {}
        count = useful = self.size = 0
        for line in self._lines():
            self.size += len(line)
            checksum, _, content = line.partition(b" ")
            if content and checksum == self._checksum(content):
                found = json.loads(content)
                facts |= found
                count += len(found)
                useful += len(line)
        needed = useful * len(facts) / count if count else 0
        self.worn = self.size > 2 * needed + WORN
        return facts

    def add(self, facts: Mapping[str, Any]) -> None:
        """Append facts."""
        if self.path is None or not facts:
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            file = os.open(self.path, flags, 0o666)
            try:
                os.write(file, self._written(facts))  # in one piece, among other writers
            finally:
                os.close(file)

    def replace(self, facts: Mapping[str, Any]) -> None:
        """Let the file hold these facts alone."""
        if self.path is None:
            return
        with suppress(InputError, OSError):
            remove_leftovers(self.path)
            with written_aside(self.path) as aside:
                aside.write_bytes(self._written(facts))

    def _lines(self) -> list[bytes]:
        try:
            return self.path.read_bytes().split(b"\n") if self.path else []
        except OSError:
            return []

    def _written(self, facts: Mapping[str, Any]) -> bytes:
        lines = [b""]  # ends what another process may have begun
        items = [*facts.items()]
        for first in range(0, len(items), BATCH):
            content = json.dumps(dict(items[first : first + BATCH])).encode()
            lines.append(self._checksum(content) + b" " + content)
        return b"\n".join([*lines, b""])

    def _checksum(self, content: bytes) -> bytes:
        return hashlib.blake2b(self._edition + content, digest_size=16).hexdigest().encode()
