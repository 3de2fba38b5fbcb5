"""What tests of proofs and keys share: no shared cache, and sources that a test may edit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import l2o
from l2o import provenance
from l2o.provenance import forget_sources


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch) -> None:
    monkeypatch.delenv("L2O_CACHE", raising=False)


@pytest.fixture
def sources(tmp_path, monkeypatch) -> Iterator[Callable[[str, Callable[[str], str]], None]]:
    """A copy of the package that a test may edit: ``sources(module, edit)``."""
    root = tmp_path / "l2o"
    shutil.copytree(Path(l2o.__file__).parent, root, ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setattr(provenance, "_root", lambda: root)
    forget_sources()

    def edited(module: str, edit: Callable[[str], str]) -> None:
        path = provenance.module_path(module)
        path.write_text(edit(path.read_text("utf-8")), "utf-8")
        forget_sources()

    yield edited
    forget_sources()
