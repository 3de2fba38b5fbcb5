"""The package as users install it: light to import, names served lazily, extras told by name."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import l2o
from l2o import extras, version
from l2o.cli import main
from l2o.errors import InputError
from l2o.layout import KINDS, wildcards_of
from l2o.provenance import module_path, source_closure

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PLACES = l2o._PLACES
# Distributions that are called otherwise than what is imported of them.
IMPORTED = {
    **{"griffelib": "griffe", "pillow": "PIL", "pywavelets": "pywt", "pyyaml": "yaml"},
    **{"scikit-image": "skimage", "scikit-learn": "sklearn"},
}
TOOLS = {"dvc", "snakemake-executor-plugin-cluster-generic", "snakemake-executor-plugin-slurm"}
# What a user of the base package reaches; the rest needs a clone.
ENTRIES = ("l2o.commands.solve", "l2o.optimizers.registry", *{*PLACES.values()} - {"l2o.sklearn"})


def distributions(requirements: list[str]) -> set[str]:
    """Names of distributions in a list of requirements."""
    return {re.match("[a-zA-Z0-9-]+", requirement)[0].lower() for requirement in requirements}


def imported(path: Path) -> set[str]:
    """The modules from elsewhere that a file imports anywhere but for types."""
    found = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
        waiting += ast.iter_child_nodes(node)
    return found - {*sys.stdlib_module_names} - {"l2o"}


def run(script: str) -> str:
    """What a script prints in a process of its own."""
    words = [sys.executable, "-c", script]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


# Public names


def test_importing_the_package_imports_nothing_else():
    script = (
        "import sys, l2o; dir(l2o); l2o.weights.card(l2o.weights.names()[0]); print({*sys.modules})"
    )
    assert not {"torch", "numpy", "pydantic", "h5py", "click"} & {*ast.literal_eval(run(script))}


@pytest.mark.parametrize("name", PLACES)
def test_a_public_name_is_served_from_its_place(name):
    assert module_path(PLACES[name]).is_file()
    assert getattr(l2o, name) is getattr(l2o, name)
    assert name in l2o.__all__ and name in dir(l2o)


def test_the_names_are_told_to_editors_as_they_are_served():
    tree = ast.parse(Path(l2o.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {}
    for node in block.body:
        for alias in node.names:
            inside = f"{node.module}.{alias.name}"
            told[alias.name] = inside if node.module == "l2o" else node.module
    assert told == PLACES and sorted(PLACES) == sorted(l2o.__all__) == l2o.__all__


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'l2o' has no attribute 'fitt'"):
        _ = l2o.fitt


def test_no_module_imports_the_top_which_no_key_counts():
    for path in {*ROOT.glob("src/l2o/**/*.py")} - {Path(l2o.__file__)}:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert "l2o" not in [alias.name for alias in node.names], path
            elif isinstance(node, ast.ImportFrom) and node.module == "l2o":
                names = [alias.name for alias in node.names]
                assert all(module_path(f"l2o.{name}").is_file() for name in names), path
    assert source_closure("l2o.seeds").keys() == {"l2o", "l2o.seeds"}
    assert source_closure("l2o.seeds")["l2o"] == hashlib.sha256().hexdigest()


# Versions


def test_the_version_is_the_one_of_the_checkout(monkeypatch, tmp_path, capsys):
    assert l2o.__version__ == PROJECT["version"]
    monkeypatch.setattr(sys, "argv", ["l2o", "--version"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code and capsys.readouterr().out == f"l2o {PROJECT['version']}\n"
    # Jobs run the sources of a checkout that need not be installed.
    assert (
        run(
            f"import runpy, sys; sys.argv[1:] = ['--version']\n"
            f"runpy.run_path({str(ROOT / 'src/l2o')!r})"
        )
        == f"l2o {PROJECT['version']}\n"
    )


def test_elsewhere_it_is_the_installed_one(monkeypatch, tmp_path):
    monkeypatch.setattr(version, "version", lambda name: f"that of {name}")
    project = tmp_path / "pyproject.toml"
    for text in (None, "[", "[tool]", '[project]\nname = "other"\nversion = "7"'):
        if text:
            project.write_text(text)
        assert version._found(project) == "that of l2o-benchmark"

    def absent(name: str) -> str:
        raise version.PackageNotFoundError

    monkeypatch.setattr(version, "version", absent)
    assert version._found(project) == "unknown"


# Dependencies


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_what_a_user_reaches_needs_the_base_alone(entry):
    base = {IMPORTED.get(name, name) for name in distributions(PROJECT["dependencies"])}
    for module in source_closure(entry):
        needed = imported(module_path(module.split(":")[0]))
        optional = {"pandas"} if module == "l2o.storage.tables" else set()  # of who asks for frames
        assert needed - optional <= base, module


def test_every_import_has_a_dependency_that_brings_it():
    base, optional = distributions(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    of_extras = {
        IMPORTED.get(name, name): extra
        for extra in optional
        if extra != "dev"
        for name in distributions(optional[extra]) - TOOLS
    }
    found = set().union(*map(imported, ROOT.glob("src/l2o/**/*.py")))
    assert found - {IMPORTED.get(name, name) for name in base} <= {*extras.EXTRAS}
    assert extras.EXTRAS.items() <= of_extras.items()


def test_what_is_imported_within_a_second_beyond_torch():
    script = [sys.executable, "-X", "importtime", "-c", "import torch, l2o.solvers.opening"]

    def beyond() -> float:
        told = subprocess.run(script, capture_output=True, text=True, check=True).stderr
        times = re.findall(r"\| +(\d+) \| (\S+)$", told, re.M)  # of modules imported by no other
        seconds = {name: int(time) / 1e6 for time, name in times}
        return seconds["l2o.solvers.opening"] / max(
            1, seconds["torch"] / 2
        )  # a slow machine takes longer

    assert min(beyond() for _ in range(2)) < 1


# What needs more than the base, told in one line


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    """Runs a command in an empty folder, which must be refused; returns what it says."""
    monkeypatch.chdir(tmp_path)

    def told(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["l2o", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert (end.value.code, out) == (2, "") and len(err.splitlines()) == 1
        return err

    return told


def test_what_needs_a_clone_says_so_outside_of_one(refused):
    jobs = [(kind, *("x" for _ in wildcards_of(kind))) for kind in KINDS]
    for words in (*jobs, ("check",), ("verify",), ("new", "method", "mine")):
        told = refused(*words)
        assert told.startswith(f"error: l2o {words[0]}: there is no folder params/ in ")
        assert told.endswith("; run it in a clone of the repository\n")


def test_a_module_that_an_extra_brings_is_told_with_it(refused, monkeypatch):
    Path("params").mkdir()
    for module, extra in (("matplotlib.figure", "pipeline"), ("sklearn", "sklearn")):

        def broken(*_: object, name: str = module) -> str:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        monkeypatch.setattr("l2o.commands.jobs.check", broken)
        told = refused("check")
        assert told == (
            f"error: {module.split('.')[0]}: this package is not installed; install it: "
            f"`pip install '.[{extra}]'` in a clone of l2o-benchmark\n"
        )


def test_a_module_that_no_extra_brings_is_a_fault_of_ours():
    for name in ("l2o.none", "", None):
        assert extras.missing(ModuleNotFoundError(name=name)) is None
    assert isinstance(extras.missing(ModuleNotFoundError(name="pandas")), InputError)
