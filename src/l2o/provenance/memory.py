"""What pieces of code consist of, remembered across processes: only what is new is parsed."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Any

from l2o.provenance import code, pieces
from l2o.provenance.code import Code, Examined, Import
from l2o.provenance.journal import Journal, memory_folder

NAME = "sources"  # of the file in the folder of what is remembered
FULL = 2_000_000  # bytes: ten times what the sources of today need


class Memory:
    """What pieces of code consist of, by the content of their files.

    Whoever examines code otherwise is of another edition: another Python, which writes code in
    another way, or another version of the modules that do it.
    """

    def __init__(self, folder: Path | None) -> None:
        examiners = [Path(module.__file__).read_bytes() for module in (code, pieces)]
        edition = hashlib.sha256(b"".join(examiners)).hexdigest()
        self._journal = Journal(folder and folder / NAME, f"{sys.version} {edition}")
        self._facts = self._journal.read()
        self._new: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        self._parsed: dict[str, Code] = {}

    @classmethod
    @cache
    def shared(cls) -> Memory:
        """Return the one of this process."""
        return cls(memory_folder())

    def examined(self, content: bytes, name: str) -> Examined:
        """Return what a module's whole code, or the definition ``name``, consists of."""
        identity = hashlib.sha256(content).hexdigest()
        place = f"{identity} {name}"
        if place not in self._facts:
            if identity not in self._parsed:
                self._parsed[identity] = Code(content)
            parsed = self._parsed[identity]
            self._facts[place] = parsed.definition(name) if name else parsed.whole()
            self._new[place] = self._facts[place]
        code_hash, imported = self._used[place] = self._facts[place]
        return Examined(code_hash, tuple(Import(*one) for one in imported))

    def keep(self) -> None:
        """Let other processes know what is new."""
        if self._new:
            if self._journal.size > FULL:  # mostly of what was edited since
                self._journal.replace(self._used)
                self._journal.size = 0
            else:
                self._journal.add(self._new)
            self._new = {}
