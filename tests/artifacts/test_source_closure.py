"""What counts as the source of a job: what its work can reach, no less and little more."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import l2o
from l2o import provenance
from l2o.optimizers.registry import methods
from l2o.provenance import forget_sources, source_closure
from l2o.provenance.code import Code

ROOM = "l2o.experiments.room.problem"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of few modules, which a test writes: ``package(module, text)``."""
    root = tmp_path / "l2o"
    monkeypatch.setattr(provenance, "_root", lambda: root)
    monkeypatch.chdir(tmp_path)

    def write(module: str, text: str) -> None:
        path = root.joinpath(*module.split(".")[1:])
        path = path / "__init__.py" if text.startswith("# package") else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        forget_sources()

    for name in ("l2o", "l2o.ground", "l2o.experiments", "l2o.experiments.room"):
        write(name, "# package")
    yield write
    forget_sources()


ENTRY = "def evaluate(given):\n    return helper(given) + LIMIT\n"
REST = """\
import os
from functools import cache
from l2o.ground.one import used, unused

LIMIT = 3
OTHER = 4

@cache
def helper(x):
    return used(x)

def unrelated(x):
    return unused(x, os)

"""


@pytest.fixture
def changed(package):
    """Say whether an edit changes the closure of ``evaluate``: ``changed(old, new)``."""
    package("l2o.ground.one", "def used(x):\n    return x\n")

    def outcome(old: str, new: str, text: str = REST + ENTRY, entry: str = "evaluate") -> bool:
        assert old in text
        package(ROOM, text)
        before = source_closure(f"{ROOM}:{entry}")
        package(ROOM, text.replace(old, new))
        return source_closure(f"{ROOM}:{entry}") != before

    return outcome


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return used(x)", "return used(x) + 1"),  # a function that it calls
        ("LIMIT = 3", "LIMIT = 5"),
        ("@cache", "@lambda f: f"),
        ("def helper(x)", "def helper(x=1)"),
        ("+ LIMIT", "- LIMIT"),
        ("import used, unused", "import other as used, unused"),
        ("OTHER = 4", "LIMIT += 1"),
        ("OTHER = 4", "os.environ['A'] = '1'"),
        ("OTHER = 4", "if os.name:\n    LIMIT = 7"),  # a conditional definition
        ("OTHER = 4", "@os.register\ndef seen(x): ..."),  # may have registered something
        ("OTHER = 4", "OTHER = setattr(LIMIT, 'a', 1)"),  # may have changed a constant
    ],
)
def test_what_a_work_reaches_counts(changed, old, new):
    assert changed(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return unused(x, os)", "return unused(x, os) + 1"),
        ("OTHER = 4", "OTHER = 5"),
        ("def unrelated(x)", "@cache\ndef unrelated(x)"),
        ("LIMIT = 3", "# a comment\nLIMIT  =  (3)"),
        ("    return helper", "    # a comment\n    return helper"),
        ("    return used(x)", '    """A docstring."""\n    return used(x)'),
        ("OTHER = 4", "def given(): ..."),  # the name of an argument, and not more
    ],
)
def test_what_it_does_not_reach_does_not(changed, old, new):
    assert not changed(old, new)


BASES = """\
class Base:
    rate = 1

class Sizes(Base):
    limit: "Limit"

class Limit:
    top = 2

class Other:
    top = 3

def evaluate(given) -> Sizes:
    return Sizes()
"""


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [("rate = 1", "rate = 2", True), ("top = 2", "top = 5", True), ("top = 3", "top = 5", False)],
)
def test_bases_and_annotations_count(changed, old, new, counts):
    assert changed(old, new, BASES) == counts


@pytest.mark.parametrize(
    "look_up",
    ["globals()['hidden']", "getattr(sys.modules[__name__], 'hidden')", "eval('hidden')", "vars()"],
)
def test_a_work_that_looks_names_up_takes_the_whole_module(changed, look_up):
    text = f"import sys\ndef hidden(): return 1\ndef evaluate(given): return {look_up}\n"
    assert changed("return 1", "return 2", text)
    served = "def hidden(): return 1\ndef __getattr__(name): return hidden\n"
    assert changed("return 1", "return 2", served)


def test_a_module_that_reads_docstrings_is_not_stripped_of_them(changed):
    text = '"""Words."""\ndef evaluate(given): return __doc__\n'
    assert changed("Words", "Other words", text)


def test_imports_reach_modules_and_definitions(package):
    package("l2o.ground.one", "import l2o.ground.two\nfrom . import three\n")
    package("l2o.ground.two", "def f():\n    from l2o.ground import four\n")
    for name in ("three", "four", "five"):
        package(f"l2o.ground.{name}", "VALUE = 1")
    package("l2o.experiments.room.other", "def f(): ...\ndef g():\n    import l2o.ground.five\n")
    package(ROOM, "from l2o.experiments.room.other import f\ndef evaluate(): return f()\n")
    parents = {"l2o", "l2o.ground"}
    names = {f"l2o.ground.{name}" for name in ("one", "two", "three", "four")}
    assert source_closure("l2o.ground.one").keys() == parents | names
    rooms = {"l2o", "l2o.experiments", "l2o.experiments.room"}
    entries = {f"{ROOM}:evaluate", "l2o.experiments.room.other:f"}
    assert source_closure(f"{ROOM}:evaluate").keys() == rooms | entries


def test_stars_packages_and_imports_for_their_effects_count_as_a_whole(package):
    package("l2o.experiments.room.other", "def f(): ...\n")
    package("l2o.ground.effects", "")
    text = "from l2o.experiments.room.other import *\nimport l2o.ground.effects\ndef g(): ...\n"
    package(ROOM, text)
    for entry in ("g", "f"):  # f comes by the star
        closure = source_closure(f"{ROOM}:{entry}").keys()
        assert {"l2o.experiments.room.other", "l2o.ground.effects"} <= closure
    package("l2o.user", "from l2o import experiments\n")
    assert {"l2o.experiments.room.other", ROOM} <= source_closure("l2o.user").keys()


def test_the_init_of_every_parent_counts(package):
    package("l2o.ground.one", "VALUE = 1")
    before = source_closure("l2o.ground.one")
    package("l2o.ground", "# package\nSIDE = 'effect'\n")
    after = source_closure("l2o.ground.one")
    assert [name for name in before if before[name] != after[name]] == ["l2o.ground"]


def test_what_is_missing_is_told_with_its_place(package):
    package(ROOM, "from l2o.experiments.room.other import f\ndef evaluate(): return f()\n")
    with pytest.raises(ModuleNotFoundError, match=r"l2o\.experiments\.room\.other"):
        source_closure(f"{ROOM}:evaluate")
    package("l2o.experiments.room.other", "def g(): ...\n")
    with pytest.raises(AttributeError, match=r"other\.py: nothing defines f"):
        source_closure(f"{ROOM}:evaluate")


# The sources of this project


def test_comments_docstrings_and_layout_change_no_hash(sources):
    before = source_closure("l2o.seeds", "l2o.optimizers.unrolled.lista")

    def dressed(text):
        lines = [
            "# a comment",
            *text.replace('"""', '"""Other words. ', 1).splitlines(),
            "",
            "# end",
        ]
        return "\n".join(lines).replace(" = ", "  =  ") + "\n"

    sources("l2o.seeds", dressed)
    sources("l2o.optimizers.unrolled.lista", dressed)
    assert source_closure("l2o.seeds", "l2o.optimizers.unrolled.lista") == before


def test_code_changes_the_hash_of_its_module_alone(sources):
    before = source_closure("l2o.optimizers.unrolled.lista")
    sources("l2o.seeds", lambda text: text.replace(">> 1", ">> 2"))
    sources("l2o.optimizers.unrolled.net", lambda text: text.replace("1.001", "1.002"))
    after = source_closure("l2o.optimizers.unrolled.lista")
    assert {name for name in before if before[name] != after[name]} == {
        "l2o.optimizers.unrolled.net"
    }


def test_the_closure_of_a_method_holds_no_other_method():
    closure = set(source_closure("l2o.optimizers.unrolled.lista"))
    assert {"l2o.optimizers.unrolled.net", "l2o.optimizers.thresholding"} <= closure
    others = {head.module for kind in ("unrolled", "classical") for head in methods(kind).values()}
    assert closure & others == {"l2o.optimizers.unrolled.lista"}
    assert "l2o.dictionaries.analytic" in source_closure("l2o.optimizers.unrolled.alista")
    assert "l2o.optimizers.unrolled.lista_cp" in source_closure(
        "l2o.optimizers.unrolled.lista_cpss"
    )


def test_the_machinery_of_proofs_is_no_part_of_what_it_proves():
    closure = set(source_closure("l2o.optimizers.registry", "l2o.experiments.works:join"))
    machinery = ("l2o.artifacts.", "l2o.provenance")
    assert {name for name in closure if name.startswith(machinery)} == {
        "l2o.artifacts.job:Given",
        "l2o.provenance:module_path",
    }


def test_imports_inside_functions_count(sources):
    sources("l2o.seeds", lambda text: text + "\ndef f():\n    from l2o import metrics\n")
    assert "l2o.metrics" in source_closure("l2o.seeds")


def test_no_class_here_does_something_to_its_subclasses():
    """The closure of a class holds its bases, but no work would see what they do behind it."""
    for path in Path(l2o.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [getattr(node, field, "") for field in ("name", "attr", "arg")]
            assert not {"__init_subclass__", "__subclasses__", "metaclass"} & {*names}, path


# What is remembered


@pytest.fixture
def parsed(package, tmp_path, monkeypatch) -> list[bytes]:
    """The sources that were parsed, in a checkout that remembers."""
    (tmp_path / "Snakefile").touch()
    found: list[bytes] = []

    class Counted(Code):
        def __init__(self, source: bytes) -> None:
            found.append(source)
            super().__init__(source)

    monkeypatch.setattr("l2o.provenance.memory.Code", Counted)
    for name in ("one", "two"):
        package(f"l2o.ground.{name}", f"from l2o.ground import zero\nVALUE = {name!r}\n")
    package("l2o.ground.zero", "VALUE = 0\n")
    return found


def again(*entries: str) -> dict[str, str]:
    """The closure as another process finds it."""
    forget_sources()
    return source_closure(*entries)


ONE, TWO = "l2o.ground.one", "l2o.ground.two"


def test_another_process_parses_only_what_is_new(package, parsed):
    first = again(ONE)
    assert len(parsed) == 3  # itself, zero, and the empty __init__ files as one
    parsed.clear()
    assert again(ONE) == first and not parsed
    again(ONE, TWO)
    assert len(parsed) == 1
    parsed.clear()
    package(ONE, "from l2o.ground import zero\nVALUE = 'changed'\n")
    assert again(ONE) != first and len(parsed) == 1


def test_whether_an_import_is_a_module_is_not_remembered(package, parsed):
    assert "l2o.ground.three" not in again(ONE)
    package("l2o.ground", "# package\nthree = 3\n")
    package("l2o.user", "from l2o.ground import three\n")
    assert again("l2o.user").keys() == {"l2o", "l2o.ground", "l2o.user"}
    package("l2o.ground.three", "")
    assert "l2o.ground.three" in again("l2o.user")


@pytest.mark.parametrize("damage", [b"", b"\0" * 400, b"{}\n" * 9, b"deadbeef {}\n", None])
def test_a_damaged_memory_is_found_out_again(package, parsed, tmp_path, damage):
    memory = tmp_path / ".l2o/sources"
    first = again(ONE)
    content = bytearray(memory.read_bytes())
    content[len(content) // 2] ^= 1
    memory.write_bytes(bytes(content) if damage is None else damage)
    for count in (3, 0):
        parsed.clear()
        assert again(ONE) == first and len(parsed) == count


def test_a_full_memory_forgets_what_is_not_used(package, parsed, tmp_path, monkeypatch):
    monkeypatch.setattr("l2o.provenance.memory.FULL", 3000)
    memory = tmp_path / ".l2o/sources"
    for number in range(40):
        package(ONE, f"from l2o.ground import zero\nVALUE = {number}\n")
        again(ONE)
        assert memory.stat().st_size < 4000
    parsed.clear()
    again(ONE)
    assert not parsed


def test_another_python_believes_nothing_of_it(package, parsed, monkeypatch):
    again(ONE)
    monkeypatch.setattr(sys, "version", "3.99")
    parsed.clear()
    again(ONE)
    assert parsed


def test_nowhere_to_write_is_no_error(package, parsed, tmp_path):
    (tmp_path / ".l2o").write_text("no folder")
    assert again(ONE) == again(ONE)
    (tmp_path / ".l2o").unlink()
    (tmp_path / "Snakefile").unlink()  # no checkout: nothing is left behind
    again(ONE)
    assert not (tmp_path / ".l2o").exists()


FIND = "from l2o.provenance import source_closure as f; print(sorted(f('l2o.seeds').items()))"


def test_many_processes_at_once_agree(tmp_path):
    (tmp_path / "Snakefile").touch()
    command = [sys.executable, "-c", FIND]
    runs = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    found = {run.communicate()[0] for run in runs}
    assert found == {f"{sorted(source_closure('l2o.seeds').items())}\n"}
