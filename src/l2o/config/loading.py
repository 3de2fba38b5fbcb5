"""Read and validate a parameter file; whatever is wrong is told in one line."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from l2o.errors import InputError

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    InputError : the file is missing, is not YAML, or does not hold a mapping.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(path, "", "no such parameter file", "check the path") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise InputError(path, "", problem, "check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = f"is not valid YAML ({' '.join(str(error).split())})"
        raise InputError(path, "", problem, "correct the syntax") from error
    if not isinstance(content, dict):
        raise InputError(path, "", "holds no keys", "write one `key: value` a line")
    return content


def validated(model: type[Model], content: Any, file: str | Path, prefix: str = "") -> Model:
    """Return ``content`` as a ``model``; ``prefix`` is its place inside ``file``.

    Raises
    ------
    InputError : for the first fault; an unknown key is told with the nearest valid one.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # A misspelt key is also a missing one: the spelling is what the user wants to know.
        first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        place = [str(part) for part in first["loc"]]
        key = ".".join([prefix, *place] if prefix else place)
        if first["type"] == "extra_forbidden":
            raise unknown_key(file, key, _siblings(model, place[:-1])) from error
        problem = f"{first['msg'].removeprefix('Value error, ')}, found {first['input']!r}"
        if first["type"] == "missing":
            problem = "this key is missing"
        raise InputError(file, key, problem, "set it as the comment at the key says") from error


def unknown_key(file: str | Path, key: str, valid: list[str]) -> InputError:
    """Return the error for an unknown ``key`` where only the names ``valid`` are allowed."""
    near = difflib.get_close_matches(key.rsplit(".", 1)[-1], valid, n=1, cutoff=0.4)
    remedy = f"did you mean `{near[0]}`?" if near else f"valid are {', '.join(sorted(valid))}"
    return InputError(file, key, "unknown key", remedy)


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
