"""Read and validate a parameter file; whatever is wrong is told in one line."""

from __future__ import annotations

import json
import reprlib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from l2o.config.nearest import unknown_key
from l2o.errors import InputError

Model = TypeVar("Model", bound=BaseModel)
LARGEST = 1_000_000  # bytes of a file


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    InputError : the file is missing, too large or not YAML (see :mod:`l2o.config.plain_yaml`), or
        does not hold a mapping.
    """
    from l2o.config.plain_yaml import parsed  # not of use to who solves

    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise InputError(path, "", "no such parameter file", "check the path") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise InputError(path, "", problem, "check the path") from error
    if len(content) > LARGEST:
        problem = f"has more than {LARGEST:,} bytes"
        raise InputError(path, "", problem, "give a parameter file")
    found = parsed(content, path)
    if not isinstance(found, dict):
        raise InputError(path, "", "holds no keys", "write one `key: value` a line")
    return found


def validated(model: type[Model], content: Any, file: str | Path, prefix: str = "") -> Model:
    """Return ``content`` as a ``model``; ``prefix`` is its place inside ``file``.

    Types are as strict as in JSON: nothing is an integer but an integer.

    Raises
    ------
    InputError : for the first fault; an unknown key is told with the nearest valid one.
    """
    try:
        text = json.dumps(content, default=str, skipkeys=True)
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        # A misspelt key is also a missing one: the spelling is what the user wants to know.
        first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        place = [str(part) for part in first["loc"]]
        key = ".".join([prefix, *place] if prefix else place)
        if first["type"] == "extra_forbidden":
            raise unknown_key(file, key, _siblings(model, place[:-1])) from error
        found = reprlib.repr(first["input"])
        problem = f"{first['msg'].removeprefix('Value error, ')}, found {found}"
        if first["type"] == "missing":
            problem = "this key is missing"
        raise InputError(file, key, problem, "set it as the comment at the key says") from error


def _siblings(model: type[BaseModel], place: list[str]) -> list[str]:
    """Return the valid keys at ``place`` inside ``model``; entries of mappings are passed over."""
    for part in place:
        field = model.model_fields.get(part)
        if field is None:  # a key of a mapping, whose values are the model already reached
            continue
        inner = [a for a in _arguments(field.annotation) if issubclass(a, BaseModel)]
        if inner:
            model = inner[0]
    return list(model.model_fields)


def _arguments(annotation: Any) -> list[type]:
    """Return the classes inside an annotation, such as Dict[str, Model] or Model | None."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return [annotation]
    return [leaf for arg in getattr(annotation, "__args__", ()) for leaf in _arguments(arg)]
