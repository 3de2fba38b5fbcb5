"""What made an artifact: parameters, sources and inputs of a step, hashed into one key.

The source closure of a step is the set of this project's modules that its entry modules import,
directly or not. A module counts by its code alone: comments, docstrings and layout do not.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGE = "l2o"
NUMERICAL_LIBRARIES = ("torch", "numpy", "h5py", "safetensors")


def digest(content: Any) -> str:
    """Return the SHA-256 of JSON-able content, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Step:
    """One step of the pipeline, as far as it decides the bytes of its outputs.

    Parameters
    ----------
    name : of the step, such as ``train``
    parameters : all that the step reads from the parameter file, JSON-able
    modules : entry modules whose source closure is the step's code
    inputs : steps that made the inputs, by role
    libraries : distributions whose version changes the output
    """

    name: str
    parameters: Mapping[str, Any]
    modules: tuple[str, ...]
    inputs: Mapping[str, Step] = field(default_factory=dict)
    libraries: tuple[str, ...] = NUMERICAL_LIBRARIES

    def record(self) -> dict[str, Any]:
        """Return the readable provenance that is stored inside the artifact, with its key."""
        content = {
            "step": self.name,
            "parameters": dict(self.parameters),
            "sources": source_closure(*self.modules),
            "inputs": {role: step.key for role, step in self.inputs.items()},
            "libraries": {name: _version(name) for name in self.libraries},
        }
        return {**content, "key": digest(content)}

    @cached_property
    def key(self) -> str:
        """The hash over all of the record: equal keys promise equal bytes."""
        return self.record()["key"]


@cache
def _version(library: str) -> str:
    """Return the version of a distribution, without the mark of its build."""
    return version(library).split("+")[0]


def source_closure(*modules: str) -> dict[str, str]:
    """Return the code hash of every module of this package that ``modules`` import.

    Imports inside functions count; imports by computed names do not, and steps name those modules.
    """
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or not (name == PACKAGE or name.startswith(f"{PACKAGE}.")):
            continue
        found[name], imported = _examined(name)
        waiting += [*imported, *_parents(name)]
    return dict(sorted(found.items()))


def _parents(name: str) -> list[str]:
    """Return the packages whose ``__init__`` runs when ``name`` is imported."""
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


@cache
def _examined(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the code hash of a module and the names that it imports."""
    tree = ast.parse(module_path(name).read_text(encoding="utf-8"))
    imported = tuple(_imports(tree))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), imported


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of this package that a syntax tree imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            yield node.module
            for alias in node.names:
                candidate = f"{node.module}.{alias.name}"
                if _is_module(candidate):
                    yield candidate


@cache
def _root() -> Path:
    return Path(importlib.util.find_spec(PACKAGE).origin).parent


def module_path(name: str) -> Path:
    """Return the source file of a module of this package, without importing it."""
    base = _root().joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _is_module(name: str) -> bool:
    return module_path(name).is_file()
