"""The repository's parameter files with a value changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def changed(original: Path, folder: Path, place: str, value: Any) -> Path:
    """A copy in ``folder`` with another value at ``place`` (a>b>c), or without that key."""
    content = yaml.safe_load(original.read_text("utf-8"))
    *path, last = place.split(">")
    section = content
    for part in path:
        section = section.setdefault(part, {})
    if value is None:
        del section[last]
    else:
        section[last] = value
    file = folder / original.name
    file.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return file
