"""JSON files, keys sorted, so that equal content has equal bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from l2o.errors import InputError
from l2o.storage.atomic import written_aside
from l2o.storage.paths import refused


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON-able content, keys sorted."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    InputError : the file is missing, cannot be read, or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(path, "", "no such file", "build it first: `snakemake FILE`") from error
    except OSError as error:
        raise refused(path, "read", error) from error
    except (ValueError, RecursionError) as error:
        raise InputError(path, "", "is not JSON", "delete it and run again") from error
