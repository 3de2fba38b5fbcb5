"""Methods are found by folder: every file that declares a ``name`` is one.

The head of a method file (its literal class attributes) is read without importing the file, so that
listing and checking methods does not cost the import of torch.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from l2o.provenance import module_path


@dataclass(frozen=True)
class Head:
    """What a method file declares of its method.

    ``ranges`` are intervals as :func:`l2o.config.values.within` takes them, one for each
    hyperparameter. ``departs`` says where it is not what its paper describes, and ``paper`` has
    hyperparameters and parts of the training as in the paper, True for what it uses at all: reports
    tell the one, and where ours differ from the other. ``starts`` and ``contains`` are those of
    :class:`l2o.optimizers.unrolled.net.UnrolledNet`. ``gradients`` are those that a step of a
    minimax method asks for. ``begins`` says whether its class defines ``begin``: a recurrent
    optimizer that has an analytic start. ``denoiser`` is the trained denoiser that it runs with.
    """

    kind: str
    name: str
    class_name: str
    label: str
    reference: str
    hyperparameters: Mapping[str, float]
    ranges: Mapping[str, str] = field(default_factory=dict)
    departs: str = ""
    paper: Mapping[str, float] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    contains: str = ""
    gradients: int = 1
    begins: bool = False
    denoiser: str = ""

    @property
    def module(self) -> str:
        """The module that defines the method, by its dotted name."""
        return f"l2o.optimizers.{self.kind}.{self.name}"

    def load(self) -> type:
        """Import the method and return its class."""
        return getattr(importlib.import_module(self.module), self.class_name)


@cache
def methods(kind: str) -> dict[str, Head]:
    """Return the heads of all methods of a ``kind`` of :data:`l2o.kinds.KINDS`, by name.

    Raises
    ------
    ValueError : a file's method has another name than the file, or a hyperparameter no range.
    """
    found = {}
    folder = module_path(f"l2o.optimizers.{kind}").parent
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            literals = _literals(node) if isinstance(node, ast.ClassDef) else {}
            if "name" not in literals:
                continue
            if literals["name"] != path.stem:
                raise ValueError(f"{path}: the method is called {literals['name']!r}")
            ranges = literals.get("ranges", {})
            if ranges.keys() != literals["hyperparameters"].keys():
                raise ValueError(f"{path}: `ranges` are not those of its hyperparameters")
            found[path.stem] = Head(
                kind,
                path.stem,
                node.name,
                literals["label"],
                literals["reference"],
                literals["hyperparameters"],
                ranges,
                literals.get("departs", ""),
                literals.get("paper", {}),
                literals.get("starts", {}),
                literals.get("contains", ""),
                literals.get("gradients", 1),
                any(
                    isinstance(part, ast.FunctionDef) and part.name == "begin" for part in node.body
                ),
                literals.get("denoiser", ""),
            )
    return found


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    """Return the class attributes that are set to literals."""
    literals = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            try:
                literals[statement.targets[0].id] = ast.literal_eval(statement.value)
            except ValueError:
                continue
    return literals
