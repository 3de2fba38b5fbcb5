"""What is released: copies of reports in one folder, their proofs, and what each report cost.

The manifest says of every report which commit built it, when, on which processors and at what cost,
so that a reader need not trust a sentence. Files are held against proofs, not against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from l2o.columns import aligned
from l2o.errors import InputError
from l2o.storage.json_files import read_json

RELEASED = Path("docs/paper")
PRESET = "paper"  # whose reports are released
MANIFEST = "manifest.json"
OWN = "own_processor_seconds"  # of the jobs that no report before shares
SLOWEST = 10  # jobs that are named
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


def released_costs(folder: Path = RELEASED) -> str:
    """Return what the released reports cost, and which of all their jobs took longest.

    It is what the manifest says, of whatever machines they were built on. The total counts a job
    that several reports share once, for the first of them.

    Raises
    ------
    InputError : the manifest cannot be read, or there is none.
    """
    entries = read_manifest(folder)
    if not entries:
        raise InputError(folder, "", "holds no released report", "release some: `l2o release`")
    told = {name: entry["cost"] for name, entry in entries.items()}
    whole = {
        "jobs": "",
        "processor_seconds": sum(one.get(OWN, one["processor_seconds"]) for one in told.values()),
        "memory_mb": max(one["memory_mb"] for one in told.values()),
        "processors": sorted({name for one in told.values() for name in one["processors"]}),
    }
    rows = [
        (name, str(one["jobs"]), *spent(one), ", ".join(one["processors"]))
        for name, one in [*told.items(), ("all", whole)]
    ]
    slowest = {words: took for one in told.values() for words, took in one["slowest"]}
    longest = sorted(slowest.items(), key=lambda pair: -pair[1])[:SLOWEST]
    titles = ("report", "jobs", "processor time", "memory at most", "on")
    table = aligned([titles, *rows], left=1)
    lines = aligned([(duration(took), words) for words, took in longest])
    return "\n".join([table, "", f"the {len(longest)} longest", lines])


def spent(cost: Mapping[str, Any]) -> tuple[str, str]:
    """Return processor time and memory of a cost, in words."""
    return duration(cost["processor_seconds"]), f"{cost['memory_mb']:,} MiB"


def duration(seconds: float) -> str:
    """Return seconds of a processor as hours, minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
