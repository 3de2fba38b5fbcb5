"""Keys of jobs: what changes them, and what does not; on the jobs of sparse recovery."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import pytest
import yaml

from conftest import PARAMS
from l2o.artifacts.job import PARTS, Artifact, Job, key_of
from l2o.experiments.graph import Graph, room
from l2o.provenance import digest, source_closure

ROOT = PARAMS.parents[1]
# Without the table of other dictionaries, which reads several methods of one setting.
GOOD = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
del GOOD["other_dictionaries"]
FOLDER = tempfile.TemporaryDirectory()
BASE = Path(FOLDER.name) / "fig5.yaml"
BASE.write_text(yaml.safe_dump(GOOD, sort_keys=False), "utf-8")
LEFT_OUT = GOOD["presets"]["smoke"]["left_out"]
NETS = [name for name in GOOD["unrolled"] if name not in LEFT_OUT]
SETTINGS = [name for name in GOOD["settings"] if name not in LEFT_OUT]
METHODS = [*NETS, *GOOD["classical"], "oracle"]
Names = set[tuple[str, ...]]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch) -> None:
    """The parameter file names its data relative to the repository."""
    monkeypatch.chdir(ROOT)


def keys(path: Path = BASE, preset: str = "smoke") -> dict[tuple[str, ...], str]:
    """The keys of all jobs, by kind, setting and method, or by kind and name."""
    found = {}
    for job in room("sparse_recovery")(preset, path=path).jobs():
        wanted = ("setting", "method", "table", "figure", "report")
        places = [job.wildcards[name] for name in wanted if name in job.wildcards]
        found[job.kind, *places] = job.key
    return found


def of(kind: str, settings=SETTINGS, methods=METHODS) -> Names:
    return {(kind, setting, method) for setting in settings for method in methods}


def difference(before: dict, after: dict) -> Names:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def changed_parameters(tmp_path: Path, change, preset: str = "smoke", **dumped) -> Names:
    content = copy.deepcopy(GOOD)
    change(content)
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(content, **{"sort_keys": False, **dumped}), "utf-8")
    return difference(keys(preset=preset), keys(path, preset))


# Nets that go on from another one, trained.
GOING_ON = {"alista": ("tilista", "lista_cpss", "glista"), "tilista": ("lista_cpss", "glista")}
DRAWN = {("figure", f"fig5{end}") for end in ("", "_profiles", "_cost")}
SHOWN = {("table", "fig5"), *DRAWN}


def joins(*tables: str) -> Names:
    return {("join", table, "fig5") for table in tables}


RESULTS = SHOWN | joins("curves", "finals", "runs", "profiles")
TIMES = {("time", setting, "fig5") for setting in SETTINGS}
TIMED = joins("seconds", "timings")
REPORTS = RESULTS | TIMES | TIMED
SETS = {("sample", setting) for setting in SETTINGS}
TRAININGS, EVALUATIONS = of("train", methods=NETS), of("evaluate")
SEARCHES = of("tune", methods=list(GOOD["grid"]))
LIMITS = {("optima", setting) for setting in SETTINGS if setting != "coherent"}


def test_these_are_all_jobs():
    found = SETS | TRAININGS | EVALUATIONS | REPORTS | SEARCHES | LIMITS
    assert set(keys()) == found | joins("tuned", "optima")


# Keys and parameters


def job(**changed) -> Job:
    base = {"kind": "s", "parameters": {"a": 1}, "sources": ("l2o.errors",), "libraries": ()}
    given = {"wildcards": {}, "reads": {}, "writes": {"file": Path("x")}, **base, **changed}
    return Job(**given)


def test_a_key_depends_on_every_part_of_a_job(tmp_path):
    file = tmp_path / "file"
    file.write_text("content")
    other, another = job(kind="other"), job(kind="other", parameters={"x": 1})
    variants = [
        {},
        {"kind": "t"},
        {"parameters": {"a": 2}},
        {"sources": ("l2o.seeds",)},
        {"reads": {"role": other["file"]}},
        {"reads": {"role": another["file"]}},
        {"reads": {"another role": other["file"]}},
        {"reads": {"role": other["file"], "z": other["file"]}},
        {"reads": {"z": other["file"], "role": other["file"]}},
        {"files": {"role": file}},
        {"libraries": ("numpy",)},
    ]
    assert len({job(**variant).key for variant in variants}) == len(variants)
    before = job(files={"role": file}).key
    file.write_text("CONTENT")
    assert job(files={"role": file}).key != before
    assert job().key == job(wildcards={"w": "v"}, writes={"file": Path("y")}).key
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


def test_a_record_tells_all_that_its_key_is_made_of():
    record = job(reads={"role": Artifact(job(), "file")}, libraries=("numpy",)).record
    assert len(record["key"]) == 64 and record["key"] == key_of(record)
    assert record["sources"] == source_closure("l2o.errors")
    for part in PARTS:
        assert key_of({**record, part: {"other": 1}}) != record["key"]


def test_rewriting_the_same_parameters_changes_no_key(tmp_path):
    assert changed_parameters(tmp_path, lambda content: None) == set()


def test_the_order_of_settings_and_methods_is_that_of_reports_alone(tmp_path):
    assert changed_parameters(tmp_path, lambda content: None, sort_keys=True) == (
        REPORTS | joins("tuned", "optima")
    )


@pytest.mark.parametrize("method", NETS)
def test_a_hyperparameter_changes_its_trainings_and_what_follows(tmp_path, method):
    name = next(iter(GOOD["unrolled"][method]))

    def change(content):
        content["unrolled"][method][name] *= 1.5

    concerned = [method, *GOING_ON.get(method, ())]
    mine = of("train", methods=concerned) | of("evaluate", methods=concerned)
    assert changed_parameters(tmp_path, change) == mine | REPORTS


def test_an_override_changes_the_one_training_and_what_follows(tmp_path):
    setting, method = SETTINGS[1], NETS[2]

    def change(content):
        overrides = content["presets"]["smoke"].setdefault("overrides", {})
        overrides.setdefault(f"{setting}/{method}", {})["window_steps"] = 77

    expected = {("train", setting, method), ("evaluate", setting, method)} | RESULTS | TIMED
    expected.add(("time", setting, "fig5"))
    assert changed_parameters(tmp_path, change) == expected


def test_a_parameter_of_one_setting_changes_that_setting_alone(tmp_path):
    setting = "snr20"

    def change(content):
        content["settings"][setting]["snr_db"] += 1

    mine = {("sample", setting), ("optima", setting), ("time", setting, "fig5")}
    mine |= of("train", [setting], NETS) | of("evaluate", [setting])
    mine |= of("tune", [setting], list(GOOD["grid"])) | RESULTS | TIMED | joins("tuned", "optima")
    assert changed_parameters(tmp_path, change) == mine


def test_the_grid_of_lam_and_a_title_leave_trainings_alone(tmp_path):
    def grid(content):
        content["grid"]["fista"]["lam"].append(0.001)

    def title(content):
        content["settings"][SETTINGS[0]]["title"] += "!"

    searched = of("tune", methods=["fista"]) | of("evaluate", methods=["fista"])
    assert changed_parameters(tmp_path, grid) == searched | REPORTS | joins("tuned")
    assert changed_parameters(tmp_path, title) == SHOWN


def test_the_seed_changes_everything(tmp_path):
    def change(content):
        content["seed"] += 1

    assert changed_parameters(tmp_path, change) == set(keys())


def test_another_preset_changes_nothing_of_this_one(tmp_path):
    def change(content):
        content["presets"]["paper"]["training"]["layer_steps"] += 1

    assert changed_parameters(tmp_path, change) == set()


def test_presets_share_a_training_exactly_where_its_budget_is_the_same():
    laptop, paper = (room("sparse_recovery")(preset) for preset in ("laptop", "paper"))
    for _, setting, method in TRAININGS:
        same_budget = laptop.parameters.budget("laptop", setting, method) == (
            paper.parameters.budget("paper", setting, method)
        )
        same_key = laptop.train(setting, method).key == paper.train(setting, method).key
        assert same_key == same_budget


def test_presets_share_no_report():
    smoke, laptop, paper = (keys(preset=preset) for preset in ("smoke", "laptop", "paper"))
    for name in REPORTS:
        assert len({smoke[name], laptop[name], paper[name]}) == 3
    for name in EVALUATIONS:  # of the same nets on the same set
        training = ("train", *name[1:])
        same = training not in laptop or laptop[training] == paper[training]
        assert (laptop[name] == paper[name]) == same and smoke[name] != laptop[name]


# Sources


@pytest.mark.parametrize(
    ("module", "concerned"),
    [
        ("l2o.optimizers.unrolled.glista", "one"),
        ("l2o.training.stages", "trainings"),
        ("l2o.optimizers.classical.ista", "classical"),
        ("l2o.figures.style", "figure"),
        ("l2o.experiments.sparse_recovery.report", "none"),
        ("l2o.artifacts.demand", "none"),
        ("l2o.cli", "none"),
    ],
)
def test_an_edited_module_changes_exactly_its_dependents(sources, module, concerned):
    before = keys()
    sources(module, lambda text: text + "\nADDED = 1\n")
    found = difference(before, keys())
    expected = {
        "one": of("train", methods=["glista"]) | of("evaluate", methods=["glista"]) | REPORTS,
        "trainings": TRAININGS | of("evaluate", methods=NETS) | REPORTS,
        "none": set(),
    }
    if concerned == "figure":
        assert found >= DRAWN and found <= SHOWN
    elif concerned == "classical":  # nets are held against it, so that it may count for more
        mine = of("tune", methods=["ista"]) | of("evaluate", methods=["ista"])
        assert found >= mine | REPORTS | joins("tuned") and not found & TRAININGS
    else:
        assert found == expected[concerned]


def test_an_edited_definition_of_a_room_changes_exactly_its_dependents(sources):
    before = keys()
    module = "l2o.experiments.sparse_recovery.report"
    sources(module, lambda text: text.replace("def figure(", "def figure(*, extra=0, ", 1))
    assert difference(before, keys()) == {("figure", "fig5")}


def test_no_work_but_a_report_reaches_what_draws_or_what_runs_it():
    graph = Graph("smoke")
    for job in [*graph.jobs, *graph.apart]:
        closure = {entry.partition(":")[0] for entry in source_closure(*job.sources)}
        assert not closure & {"l2o.cli", "l2o.artifacts.demand", "l2o.experiments.graph"}
        if job.kind in ("sample", "train", "tune", "evaluate", "time", "optima"):
            drawn = {name for name in closure if name.startswith("l2o.figures")}
            assert not drawn and not {name for name in closure if name.endswith(".report")}
