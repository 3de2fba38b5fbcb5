"""What is released: copies of reports in one folder, their proofs, and what each report cost.

The manifest says of every report which commit built it, when, on which processors and at what cost,
so that a reader need not trust a sentence. Files are held against proofs, not against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l2o.errors import InputError
from l2o.storage.json_files import read_json

RELEASED = Path("docs/paper")
PRESET = "paper"  # whose reports are released
MANIFEST = "manifest.json"
WANTED = {"commit": str, "date": str, "note": str, "files": list, "cost": dict}


def released_name(path: str | Path) -> str:
    """Return what the copy of a report's file is called; all copies lie in one folder."""
    path = Path(path)
    return f"{path.stem}_metrics.json" if path.parent.name == "metrics" else path.name


def read_manifest(folder: Path = RELEASED) -> dict[str, dict[str, Any]]:
    """Return what is known of each released report, by its name; nothing without a manifest.

    Returns
    -------
    by report ``commit``, ``date`` (UTC), ``note`` (the budget in words), ``files`` (names), and
    ``cost`` (:func:`l2o.commands.costs.measured`, and ``slowest`` jobs)

    Raises
    ------
    InputError : the manifest cannot be read, or is none.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    content = read_json(path)
    remedy = "write it again: `l2o release`"
    if not isinstance(content, dict):
        raise InputError(path, "", "is no manifest", remedy)
    for report, entry in content.items():
        for key, kind in WANTED.items():
            if not isinstance(entry, dict) or not isinstance(entry.get(key), kind):
                problem = "is missing or holds what it should not"
                raise InputError(path, f"{report}.{key}", problem, remedy)
    return content
