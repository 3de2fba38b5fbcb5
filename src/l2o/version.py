"""The version of this package."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from l2o.extras import DISTRIBUTION


def _found(project: Path) -> str:
    """Return the version that a checkout's ``pyproject.toml`` states, or the installed one.

    Jobs run the sources of a checkout, whatever is installed.
    """
    try:
        stated = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        if stated["name"] == DISTRIBUTION:
            return stated["version"]
    except (OSError, ValueError, KeyError):  # installed: no checkout around these files
        pass
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


__version__ = _found(Path(__file__).parents[2] / "pyproject.toml")
