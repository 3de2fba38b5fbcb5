"""What several commands need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from l2o.config.loading import unknown_key
from l2o.provenance import Step

Preset = Annotated[str, typer.Option(help="smoke, laptop or paper")]


def check_known(file: Path, place: str, name: str, valid: list[str]) -> None:
    """Refuse a name that is not one of the valid ones of this place in the file."""
    if name not in valid:
        raise unknown_key(file, f"{place}.{name}", valid)


def stored_provenance(step: Step) -> dict[str, str]:
    """Return a step's record as attributes of a file."""
    record = step.record()
    return {"provenance": json.dumps(record, sort_keys=True), "key": record["key"]}
