"""What made an artifact: parameters, sources and inputs of a job, hashed into one key.

The sources of a job are the project's code that its work can reach. A module counts by its code
alone: comments, docstrings and layout do not. Modules of :data:`BY_DEFINITION` count by the
definitions that the work reaches, every other one as a whole: in a room one file holds the work of
many kinds of job, and the machinery of proofs is no part of what it proves.

The top of the package only serves names to users. It takes part in no work, so that none of it
counts, and no module imports it.

What a module consists of is remembered by the content of its file, so that a process parses only
what is new.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from l2o.provenance.code import Import
from l2o.provenance.memory import Memory

PACKAGE = "l2o"
BY_DEFINITION = (f"{PACKAGE}.experiments.", f"{PACKAGE}.artifacts.", f"{PACKAGE}.provenance.")
NUMERICAL_LIBRARIES = ("torch", "numpy", "h5py", "safetensors")


def digest(content: Any) -> str:
    """Return the SHA-256 of JSON-able content, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def library_version(library: str) -> str:
    """Return the version of a distribution, without the mark of its build."""
    return version(library).split("+")[0]


@cache
def source_closure(*entries: str) -> dict[str, str]:
    """Return the hash of all code of this package that ``entries`` can reach; not to be changed.

    Imports inside functions count; imports by computed names do not, and jobs name those modules.
    Nor does what a base class of another module does to its subclasses.

    Parameters
    ----------
    entries : modules such as ``l2o.training.meta``, or a definition in one of them, such as
        ``l2o.experiments.lasso.problem:evaluate``

    Raises
    ------
    ModuleNotFoundError, AttributeError : an entry, or what the code imports, does not exist.
    """
    found: dict[str, str] = {}
    waiting = list(entries)
    while waiting:
        entry = waiting.pop()
        if entry not in found:
            found[entry], reached = _examined(entry)
            waiting += reached
    Memory.shared().keep()
    return dict(sorted(found.items()))


@cache
def closure_digest(*entries: str) -> str:
    """Return one hash over the :func:`source_closure`, for keys."""
    return digest(source_closure(*entries))


def forget_sources() -> None:
    """Look at all files anew, for processes in which sources change."""
    for function in (source_closure, closure_digest, _examined, _content, _is_module, module_path):
        function.cache_clear()
    Memory.shared.cache_clear()


@cache
def _examined(entry: str) -> tuple[str, tuple[str, ...]]:
    """Return the hash of a module, or of one definition of it, and what else it reaches."""
    if entry == PACKAGE:
        return hashlib.sha256().hexdigest(), ()
    module, _, name = entry.partition(":")
    try:
        examined = Memory.shared().examined(_content(module), name)
    except AttributeError as error:
        raise AttributeError(f"{module_path(module)}: {error}") from None
    imports = [e for imported in examined.imported for e in _reached(module, imported)]
    parts = module.split(".")
    parents = [".".join(parts[:i]) for i in range(1, len(parts))]  # their __init__ runs
    return examined.code, tuple(dict.fromkeys([*imports, *filter(_is_module, parents)]))


def _reached(importer: str, imported: Import) -> Iterator[str]:
    """Yield the modules of this package, or definitions in them, that an import reaches."""
    module = imported.module
    if imported.level:
        inside = _is_package(importer)
        parts = importer.split(".")
        parents = parts[: len(parts) + inside - imported.level]
        module = ".".join([*parents, *filter(None, [module])])
    if module.split(".")[0] != PACKAGE:
        return
    candidate = f"{module}.{imported.name}" if imported.name else module
    if _is_module(candidate) or not imported.name:
        yield candidate
        if _is_package(candidate):  # anything in there can be used as its attribute
            yield from _inside(candidate)
    elif imported.name != "*" and f"{module}.".startswith(BY_DEFINITION):
        yield f"{module}:{imported.name}"
    else:
        yield module


def _inside(package: str) -> Iterator[str]:
    folder = module_path(package).parent
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join([package, *(part for part in parts if part != "__init__")])


@cache
def _content(module: str) -> bytes:
    """Return the bytes of a module's file."""
    try:
        return module_path(module).read_bytes()
    except FileNotFoundError as error:
        raise ModuleNotFoundError(f"{module} is imported, but there is no such module") from error


@cache
def _root() -> Path:
    return Path(importlib.util.find_spec(PACKAGE).origin).parent


@cache
def module_path(name: str) -> Path:
    """Return the source file of a module of this package, without importing it."""
    base = _root().joinpath(*name.split(".")[1:])
    package = base / "__init__.py"
    return package if package.is_file() else base.with_suffix(".py")


@cache
def _is_module(name: str) -> bool:
    return module_path(name).is_file()


def _is_package(name: str) -> bool:
    return module_path(name).name == "__init__.py"
