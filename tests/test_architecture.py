"""The shape of the house: floors, no circles, short modules, small rooms, a graph written once."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path
from statistics import median

import pytest

import l2o
from l2o.optimizers.registry import methods

ROOT = Path(l2o.__file__).parent
TOP = ROOT.parents[1]
FILES = {
    "l2o." + ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
}
ROOMS = sorted(path.parent for path in ROOT.glob("experiments/*/experiment.py"))
FLOORS = [
    {"columns", "errors", "extras", "kinds", "seeds", "variants", "version"},
    {"provenance", "metrics", "config", "storage", "compute", "layout"},
    {"artifacts", "datasets", "dictionaries", "optimizees"},
    {"optimizers"},
    {"weights", "solvers", "training", "evaluation", "torch", "sklearn"},
    {"figures", "claims"},
    {"experiments"},
    {"site"},
    {"commands", "cli", "__main__"},
]


def floor(module: str) -> int:
    """The number of the floor that a module, such as ``l2o.storage.sets``, is on."""
    return next(i for i, parts in enumerate(FLOORS) if module.split(".")[1] in parts)


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


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


def test_no_room_imports_another_one_and_what_is_common_imports_none():
    names = {room.name for room in ROOMS}
    for name, path in FILES.items():
        if name.startswith("l2o.experiments."):
            own = {name.split(".")[2]} & names
            parts = [other.split(".") for other in imports(path)]
            found = {p[2] for p in parts if p[1] == "experiments" and len(p) > 2} & names
            assert found <= own, name


def test_imports_run_in_no_circle():
    graph = {name: imports(path) for name, path in FILES.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order.index("l2o.errors") < order.index("l2o.storage.sets") < order.index("l2o.cli")


def test_a_circle_would_be_found():
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


@pytest.mark.parametrize("name", FILES)
def test_modules_and_functions_are_short_enough_to_read(name):
    assert lines(FILES[name]) < 400
    for node in ast.walk(ast.parse(FILES[name].read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


def test_half_of_the_modules_are_within_120_lines():
    assert median(lines(path) for path in FILES.values() if path.stat().st_size) <= 120


SHORT = ["classical", "first_order", "unrolled", "minimax", "learned_minimax"]
SHORT += ["black_box", "learned_black_box", "policies"]
SHORT += ["sensing", "sensing_nets"]


@pytest.mark.parametrize("kind", SHORT)
def test_a_method_is_one_short_file(kind):
    for name in methods(kind):
        assert lines(ROOT / "optimizers" / kind / f"{name}.py") <= 120


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_is_small(room):
    files = [path for path in room.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    assert len(files) <= 6
    assert sum(map(lines, files)) <= 600


def test_no_module_is_named_after_a_figure():
    assert not [name for name in FILES if re.search(r"fig(ure)?_?\d", name)]


def test_the_graph_is_not_written_in_the_workflow():
    rules = [path for path in (TOP / "workflow").rglob("*") if path.is_file()]
    assert sum(map(lines, [*rules, TOP / "Snakefile"])) <= 460
    assert lines(TOP / "Snakefile") <= 60 and lines(TOP / "dvc.yaml") <= 80
    named = [room.name for room in ROOMS] + ["fig3", "fig5", "fig6", "fig7", "fig8"]
    code = [
        re.sub(r"#.*|\"\"\".*?\"\"\"", "", path.read_text("utf-8"))
        for path in rules
        if path.suffix == ".smk"
    ]
    assert not [name for name in named for text in code if re.search(rf"\b{name}\b", text)]
