"""Templates: names that are refused, files that are complete but for a line of mathematics."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import torch

from conftest import make_problem, told
from l2o.artifacts.job import Given, Job, resolved
from l2o.commands import templates
from l2o.errors import InputError
from l2o.provenance import module_path
from reference_algorithms import REFERENCES

WRITTEN = {  # the line of mathematics, as a comment of the template gives it
    "unrolled": ('raise NotImplementedError("write the layer")', "v = x"),
    "recurrent": ('raise NotImplementedError("write the update")', "return self.hyper"),
    "experiment": ('raise NotImplementedError("write the objective")', "return ((x - self.b)"),
}


@pytest.fixture(autouse=True)
def source(tmp_path, monkeypatch) -> Path:
    """A copy of the folders that templates go to: the repository's names, empty files."""
    for package in ("experiments", "optimizers/unrolled", "optimizers/recurrent"):
        folder = tmp_path / "l2o" / package
        folder.mkdir(parents=True)
        for path in module_path(f"l2o.{package.replace('/', '.')}").parent.iterdir():
            (folder / path.name).touch()
    (tmp_path / "params").mkdir()
    (tmp_path / "params/fig5.yaml").touch()

    def placed(module: str) -> Path:
        return tmp_path.joinpath(*module.split("."), "__init__.py")

    monkeypatch.setattr(templates, "module_path", placed)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "l2o"


def finished(text: str, kind: str) -> str:
    """A template with its mathematics: the comment that offers it made a line."""
    raised, line = WRITTEN[kind]
    assert text.count(raised) == 1 and text.count(f"# {line}") == 1
    return text.replace(raised, "").replace(f"# {line}", line)


def module(name: str, text: str, monkeypatch) -> ModuleType:
    made = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, made)
    exec(compile(text, name, "exec"), made.__dict__)
    return made


@pytest.mark.parametrize("name", ["Mine", "1st", "a-b", "a b", "", "../up", "ä"])
def test_what_is_no_name_is_refused(name):
    for write in (templates.new_experiment, lambda name: templates.new_method(name, "unrolled")):
        with pytest.raises(InputError, match="is no name of a Python file") as error:
            write(name)
        told(error, Path("name"), "take a-z, 0-9 and _")


def test_a_name_that_is_taken_is_refused_and_nothing_written(source):
    before = {path for path in source.parent.rglob("*")}
    for name in ("lasso", "graph", "works"):
        with pytest.raises(InputError, match=f"{name}: is taken"):
            templates.new_experiment(name)
    with pytest.raises(InputError, match=r"fig5\.yaml: is there already"):
        templates.new_experiment("fig5")
    for name, kind in (("lista", "unrolled"), ("adam", "recurrent"), ("lista", "recurrent")):
        with pytest.raises(InputError, match=f"{name}: is taken"):
            templates.new_method(name, kind)
    with pytest.raises(InputError, match=r"net\.py: is there already"):
        templates.new_method("net", "unrolled")
    with pytest.raises(InputError, match="no template of that kind; take unrolled or recurrent"):
        templates.new_method("mine", "classical")
    assert {path for path in source.parent.rglob("*")} == before


def test_an_unrolled_method_is_complete_but_for_its_layer(source, monkeypatch):
    text = templates.new_method("my_net", "unrolled")
    path = source / "optimizers/unrolled/my_net.py"
    assert (
        text.startswith(f"{path}: ") and "params/fig5.yaml" in text and "pytest -k my_net" in text
    )
    content = path.read_text("utf-8")
    assert not re.search(r"\$\w", content) and ast.get_docstring(ast.parse(content))
    problem = make_problem(6, 12, 20, entries=2)
    A, b, _ = problem.tensors()
    made = module("unfinished_net", content, monkeypatch).MyNet(A, 3, {})
    with pytest.raises(NotImplementedError, match="write the layer"):
        made(b)
    net = module("my_net", finished(content, "unrolled"), monkeypatch).MyNet(A, 3, {})
    expected = REFERENCES["ista"](problem.A, problem.b, 3, {"lam": 0.1})[-1]
    assert torch.allclose(net(b)[-1].detach(), torch.from_numpy(expected), atol=1e-10)
    assert (net.name, net.label, net.starts) == ("my_net", "My Net", {"ista": "ista"})


def test_a_recurrent_method_is_complete_but_for_its_update(source, monkeypatch):
    text = templates.new_method("mine", "recurrent")
    content = (source / "optimizers/recurrent/mine.py").read_text("utf-8")
    assert "params/fig6.yaml" in text and not re.search(r"\$\w", content)
    weights = torch.Generator().manual_seed(1)
    made = module("mine", finished(content, "recurrent"), monkeypatch).Mine({}, weights)
    assert torch.allclose(made.update(torch.ones(1, 4)), torch.full((1, 4), 0.1))
    assert (made.name, made.label, made.features) == ("mine", "Mine", 1)


@pytest.fixture
def room(source, monkeypatch):
    """The room of the template, with its line of mathematics, and a small preset."""
    text = templates.new_experiment("my_wells")
    folder = source / "experiments/my_wells"
    assert text.startswith(f"{folder}: ") and "my_wells_all" in text
    contents = {path.stem: path.read_text("utf-8") for path in folder.iterdir()}
    assert {*contents} == {"__init__", "experiment", "problem", "report"}
    assert not any(re.search(r"\$\w", content) for content in contents.values())
    contents["problem"] = finished(contents["problem"], "experiment")
    for name in ("problem", "experiment", "report"):
        made = module(f"l2o.experiments.my_wells.{name}", contents[name], monkeypatch)
    assert callable(made.figure) and callable(made.table)
    parameters = Path("params/my_wells.yaml")
    assert not re.search(r"\$\w", parameters.read_text("utf-8"))
    parameters.write_text(
        parameters.read_text("utf-8").replace("iterations: 1000", "iterations: 30")
    )
    kind = sys.modules["l2o.experiments.my_wells.experiment"].MyWells
    return kind("smoke")


def do(job: Job) -> dict[str, Path]:
    """Do the work of a job without its key, since its sources are no files of the package."""
    record = {"step": job.kind, "key": "k"}
    given = Given(job.parameters, job.inputs, dict(job.writes), job.state, record)
    resolved(job.sources[0])(given)
    return given.outputs


def test_an_experiment_is_complete_but_for_its_objective(room):
    assert "1 settings, 3 methods, 1 trainings" in room.summary()
    first = do(room.sample("n10"))["set"].read_bytes()
    assert do(room.sample("n10"))["set"].read_bytes() == first
    assert pd.read_csv(do(room.tune("n10", "adam"))["tuned"])["chosen"].sum() == 1
    assert room.tune("n10", "nag") is None
    do(room.train("n10", "l2o_dm"))
    for method in room.contestants:
        outputs = do(room.evaluate("n10", method))
        curves, finals = (pd.read_csv(outputs[name]) for name in ("curves", "finals"))
        assert curves["iteration"].iloc[-1] == 30 and curves["loss"].notna().all()
        assert finals["runs"][0] == 8 * 2 and curves["loss"].iloc[-1] < 1.5 * curves["loss"][0]
    assert {job.kind for job in room.jobs()} == {
        *("sample", "tune", "train", "evaluate", "join", "table", "figure")
    }
