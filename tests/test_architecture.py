"""The shape of the source: floors, no circles, short modules and functions."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

import l2o

ROOT = Path(l2o.__file__).parent
FILES = {
    "l2o." + ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
}
FLOORS = [
    {"errors", "seeds"},
    {"provenance", "metrics", "config", "storage", "compute", "layout"},
    {"artifacts", "datasets", "dictionaries", "optimizees"},
    {"optimizers"},
    {"training", "evaluation", "solve"},
    {"figures", "claims"},
    {"steps", "commands", "cli"},
]


def floor(module: str) -> int:
    """The number of the floor that a module, such as ``l2o.storage.sets``, is on."""
    return next(i for i, parts in enumerate(FLOORS) if module.split(".")[1] in parts)


def imports(path: Path) -> set[str]:
    """The modules of this package that a file imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & FILES.keys()) or {node.module}
    return {name for name in found if name.split(".")[0] == "l2o"}


def test_every_module_has_a_floor():
    modules = [name for name in FILES if name != "l2o.__init__"]
    assert len(modules) > 30
    assert {floor(name) for name in modules} == set(range(len(FLOORS)))


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("__init__")])
def test_a_module_imports_from_no_higher_floor(name):
    above = {other for other in imports(FILES[name]) if floor(other) > floor(name)}
    assert not above


def test_imports_run_in_no_circle():
    graph = {name: imports(path) for name, path in FILES.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order.index("l2o.errors") < order.index("l2o.storage.sets") < order.index("l2o.cli")


def test_a_circle_would_be_found():
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


@pytest.mark.parametrize("name", FILES)
def test_modules_and_functions_are_short_enough_to_read(name):
    text = FILES[name].read_text("utf-8")
    assert len(text.splitlines()) < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


@pytest.mark.parametrize("kind", ["classical", "unrolled"])
def test_a_method_is_one_short_file(kind):
    for path in (ROOT / "optimizers" / kind).glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 120
