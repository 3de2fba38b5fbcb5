"""What several commands need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from l2o.config.loading import unknown_key
from l2o.errors import InputError
from l2o.provenance import Step

Preset = Annotated[str, typer.Option(help="smoke, laptop or paper")]
Params = Annotated[Path, typer.Option(help="parameter file")]
Out = Annotated[Path, typer.Option(help="CSV")]
Drawn = Annotated[Path, typer.Option()]


def check_known(file: Path, place: str, name: str, valid: list[str]) -> None:
    """Refuse a name that is not one of the valid ones of this place in the file."""
    if name not in valid:
        raise unknown_key(file, f"{place}.{name}", valid)


def by_method(
    file: Path, section: str, methods: list[str], checkpoints: list[Path]
) -> dict[str, Path]:
    """Return the checkpoints by the methods of a section of the file; there must be one for each.

    Raises
    ------
    InputError : another number of checkpoints.
    """
    if len(checkpoints) != len(methods):
        problem = f"{len(checkpoints)} checkpoints were given for {len(methods)} nets"
        raise InputError(file, section, problem, "give one for each, in the order listed")
    return dict(zip(methods, checkpoints, strict=True))


def stored_provenance(step: Step) -> dict[str, str]:
    """Return a step's record as attributes of a file."""
    record = step.record()
    return {"provenance": json.dumps(record, sort_keys=True), "key": record["key"]}
