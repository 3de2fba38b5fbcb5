"""Keys of steps: what changes them, and what does not."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import yaml

import l2o
from conftest import PARAMS
from l2o import provenance
from l2o.optimizers.registry import methods
from l2o.provenance import Step, digest, source_closure
from l2o.steps.fig5 import Fig5Steps

ROOT = PARAMS.parents[1]
GOOD = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
NETS = list(GOOD["unrolled"])
SETTINGS = list(GOOD["settings"])


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch) -> None:
    """The parameter file names its data relative to the repository."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the package that a test may edit: ``sources(module, edit)``."""
    root = tmp_path / "l2o"
    shutil.copytree(Path(l2o.__file__).parent, root, ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setattr(provenance, "_root", lambda: root)
    provenance._examined.cache_clear()

    def edited(module: str, edit) -> None:
        path = provenance.module_path(module)
        path.write_text(edit(path.read_text("utf-8")), "utf-8")
        provenance._examined.cache_clear()

    yield edited
    provenance._examined.cache_clear()


def keys(path: Path = PARAMS, preset: str = "smoke") -> dict[tuple[str, ...], str]:
    """The keys of all steps, by kind, setting and method."""
    steps = Fig5Steps(path, preset)
    found = {("table",): steps.table().key, ("figure",): steps.figure().key}
    for name in steps.sizes.gaussian:
        found["dictionary", name] = steps.gaussian_dictionary(name).key
    for setting in SETTINGS:
        found["set", setting] = steps.optimizee_set(setting).key
        found["evaluation", setting] = steps.evaluation(setting).key
        for method in NETS:
            found["training", setting, method] = steps.training(setting, method).key
    return found


def difference(before: dict, after: dict) -> set[tuple[str, ...]]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def changed_parameters(tmp_path: Path, change, preset: str = "smoke") -> set[tuple[str, ...]]:
    content = copy.deepcopy(GOOD)
    change(content)
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    return difference(keys(preset=preset), keys(path, preset))


EVALUATIONS = {("evaluation", setting) for setting in SETTINGS}
REPORTS = {("table",), ("figure",)}
TRAININGS = {("training", setting, method) for setting in SETTINGS for method in NETS}
SETS = {("set", setting) for setting in SETTINGS}

# Keys and parameters


def test_a_key_depends_on_every_part_of_a_step():
    base = {"name": "s", "parameters": {"a": 1}, "modules": ("l2o.errors",)}
    other = Step("other", {}, ())
    variants = [
        base,
        {**base, "name": "t"},
        {**base, "parameters": {"a": 2}},
        {**base, "modules": ("l2o.seeds",)},
        {**base, "inputs": {"role": other}},
        {**base, "inputs": {"role": Step("other", {"x": 1}, ())}},
        {**base, "libraries": ("numpy",)},
    ]
    assert len({Step(**variant).key for variant in variants}) == len(variants)
    assert Step(**base).key == Step(**copy.deepcopy(base)).key
    record = Step(**base).record()
    assert record.pop("key") == digest(record) and len(digest(record)) == 64
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


def test_rewriting_the_same_parameters_changes_no_key(tmp_path):
    assert changed_parameters(tmp_path, lambda content: None) == set()


@pytest.mark.parametrize("method", NETS)
def test_a_hyperparameter_changes_its_trainings_and_what_follows(tmp_path, method):
    name = next(iter(GOOD["unrolled"][method]))

    def change(content):
        content["unrolled"][method][name] *= 1.5

    mine = {("training", setting, method) for setting in SETTINGS}
    assert changed_parameters(tmp_path, change) == mine | EVALUATIONS | REPORTS


def test_an_override_changes_the_one_training_and_what_follows(tmp_path):
    setting, method = SETTINGS[1], NETS[2]

    def change(content):
        overrides = content["presets"]["smoke"].setdefault("overrides", {})
        overrides.setdefault(f"{setting}/{method}", {})["window_steps"] = 77

    expected = {("training", setting, method), ("evaluation", setting)} | REPORTS
    assert changed_parameters(tmp_path, change) == expected


def test_a_parameter_of_one_setting_changes_that_setting_alone(tmp_path):
    setting = "snr20"

    def change(content):
        content["settings"][setting]["snr_db"] += 1

    mine = {("set", setting), ("evaluation", setting)}
    mine |= {("training", setting, method) for method in NETS}
    assert changed_parameters(tmp_path, change) == mine | REPORTS


def test_the_grid_of_lam_and_a_title_leave_trainings_alone(tmp_path):
    def grid(content):
        content["lam_grid"].append(0.001)

    def title(content):
        content["settings"][SETTINGS[0]]["title"] += "!"

    assert changed_parameters(tmp_path, grid) == EVALUATIONS | REPORTS
    assert changed_parameters(tmp_path, title) == REPORTS


def test_the_seed_changes_everything(tmp_path):
    def change(content):
        content["seed"] += 1

    assert changed_parameters(tmp_path, change) == set(keys())


def test_another_preset_changes_nothing_of_this_one(tmp_path):
    def change(content):
        content["presets"]["paper"]["training"]["layer_steps"] += 1

    assert changed_parameters(tmp_path, change) == set()


def test_presets_share_a_training_exactly_where_its_budget_is_the_same():
    laptop, paper = (Fig5Steps(PARAMS, preset) for preset in ("laptop", "paper"))
    for _, setting, method in TRAININGS:
        same_budget = laptop.experiment.training("laptop", setting, method) == (
            paper.experiment.training("paper", setting, method)
        )
        same_key = laptop.training(setting, method).key == paper.training(setting, method).key
        assert same_key == same_budget


def test_presets_share_no_report():
    smoke, laptop, paper = (keys(preset=preset) for preset in ("smoke", "laptop", "paper"))
    for name in EVALUATIONS | REPORTS:
        assert len({smoke[name], laptop[name], paper[name]}) == 3


# Sources


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


def test_the_closure_of_the_trainer_holds_no_figure_no_method_and_no_command():
    closure = set(source_closure("l2o.training.job"))
    assert {"l2o.training.stages", "l2o.training.inputs", "l2o.seeds", "l2o.compute"} <= closure
    for other in ("figures", "evaluation", "commands", "cli", "steps", "optimizees", "artifacts"):
        assert not {name for name in closure if name.split(".")[1:2] == [other]}
    assert not closure & {head.module for head in methods("unrolled").values()}


@pytest.mark.parametrize(
    ("module", "concerned"),
    [
        ("l2o.optimizers.unrolled.glista", "one"),
        ("l2o.training.stages", "trainings"),
        ("l2o.optimizers.classical.ista", "evaluations"),
        ("l2o.figures.style", "figure"),
        ("l2o.cli", "none"),
    ],
)
def test_an_edited_module_changes_exactly_its_dependents(sources, module, concerned):
    before = keys()
    sources(module, lambda text: text + "\nADDED = 1\n")
    after_evaluation = EVALUATIONS | REPORTS
    expected = {
        "one": {("training", s, "glista") for s in SETTINGS} | after_evaluation,
        "trainings": TRAININGS | after_evaluation,
        "evaluations": after_evaluation,
        "figure": {("figure",)},
        "none": set(),
    }
    assert difference(before, keys()) == expected[concerned]


def test_imports_inside_functions_count(sources):
    sources("l2o.seeds", lambda text: text + "\ndef f():\n    from l2o import metrics\n")
    assert "l2o.metrics" in source_closure("l2o.seeds")
