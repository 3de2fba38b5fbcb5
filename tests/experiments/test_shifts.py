"""Shifts at a tiny size, and Figure 2: rooms that train nothing, on what other rooms made."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from every_room import ROOT, content_of, fault, keys, room
from l2o.experiments.compressive_sensing.experiment import CompressiveSensing
from l2o.experiments.graph import Graph
from l2o.experiments.shifts.experiment import Shifts, with_home
from parameter_files import changed
from small_network_jobs import bytes_again, made, make_folder

ONLY = ("alista", "bg_amp", "ista", "adam")
FIG5 = {
    "presets>smoke>samples": {"train": 64, "validation": 16, "test": 64},
    "presets>smoke>training>samples": 64,
    "presets>smoke>gaussian>gaussian": [24, 48],
    "presets>smoke>depth": 3,
}
GRIDS = {
    "fig5": {"settings": {"noiseless": {"dictionary": [1.0], "density": [0.3]}}},
    "fig6": {"iterations": [4], "settings": {"m5_n10": {"size": [2], "lam": [3]}}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made_in = make_folder(tmp_path_factory.mktemp("shifts"), "fig5", FIG5)
    (made_in / "data/dictionaries").symlink_to(ROOT / "data/dictionaries")
    changed(ROOT / "params/shifts.yaml", made_in / "params", "presets>smoke>grids", GRIDS)
    small = {"train": 64, "validation": 16, "test": 32}
    six = changed(
        ROOT / "params/fig6.yaml", made_in / "params", "presets>smoke>training>samples", 64
    )
    changed(six, made_in / "params", "presets>smoke>samples", small)
    for name in ("fig2", "fig7"):
        shutil.copy(ROOT / f"params/{name}.yaml", made_in / "params")
    return made_in


@pytest.fixture
def shifts(folder, monkeypatch) -> Shifts:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return Shifts("smoke", ONLY)


def measured(shifts: Shifts, panel: str) -> pd.DataFrame:
    (name,) = (name for name in shifts.panels if name.startswith(panel))
    return pd.read_csv(made(shifts.measure(name)).writes["table"])


def test_methods_do_not_know_the_dictionary_behind_the_data_unless_they_are_told(shifts):
    rows = measured(shifts, "fig5_noiseless_dictionary")
    left = rows.set_index(["method", "variant", "value"])["left_db"]
    assert {*rows["method"]} == {"alista", "ista", "bg_amp"} and rows["runs"].eq(64).all()
    for method in ("alista", "ista", "bg_amp"):  # the data are those of quite another one
        assert left[method, "main", 1.0] > -0.5 > left[method, "main", 0.0] + 0.5
    assert left["bg_amp", "told", 1.0] < left["bg_amp", "main", 1.0] - 1
    assert left["bg_amp", "told", 0.0] == left["bg_amp", "main", 0.0]


def test_nothing_is_lost_under_the_unshifted_law_and_a_job_is_the_same_twice(shifts):
    rows = measured(shifts, "fig5_noiseless_density")
    assert rows.loc[rows["home"], "value"].eq(0.1).all() and rows["home"].any()
    assert rows.loc[rows["home"], "degradation_db"].eq(0).all()
    dense = rows[rows["value"] == 0.3].set_index(["method", "variant"])
    assert (dense["degradation_db"] > 0).all()
    same = measured(shifts, "fig5_noiseless_dictionary")  # one unshifted set for all shifts
    columns = ["method", "variant", "left_db", "mean_db", "pooled_db", "p99_db", "left_8"]
    at_home = [table.loc[table["home"], columns].to_numpy().tolist() for table in (rows, same)]
    assert at_home[0] == at_home[1]
    (name,) = (name for name in shifts.panels if name.startswith("fig5_noiseless_density"))
    assert bytes_again(shifts.measure(name), "table") == {"table": True}


def test_a_net_cannot_take_another_size_and_the_safeguard_knows_the_law(shifts):
    rows = measured(shifts, "fig6_m5_n10_size").set_index(["method", "variant", "value"])
    assert rows.loc["alista", "main", 2.0].isna().drop(["kind", "label"]).any()
    assert rows["left_db"].isna().sum() == 2  # with the safeguard and without
    assert rows.loc[("ista", "main", 2.0), "left_db"] < 0
    other = measured(shifts, "fig6_m5_n10_lam").set_index(["method", "variant", "value"])
    plain, guarded = (other.loc[("alista", v, 3.0), "left_db"] for v in ("main", "safeguarded"))
    assert guarded <= plain and guarded < 0


def test_the_unshifted_value_stands_at_its_place():
    assert with_home((0.25, 0.05), 0.1) == [0.05, 0.1, 0.25]
    assert with_home((40, 10), None) == [10, 40, None]
    assert with_home(("student",), "gaussian") == ["gaussian", "student"]
    assert with_home((0.3, 1), 1.0) == [0.3, 1.0]


GRID = "presets>smoke>grids"


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("solved_db>fig5", 3, "less than 0"),
        (f"{GRID}>fig8", {"settings": {}}, "at least 1 item"),
        (f"{GRID}>fig5>iterations", [4], "nets are evaluated at their depth"),
        (f"{GRID}>fig6>iterations", [], "are missing"),
        (f"{GRID}>fig6>iterations", [9, 4], "are not in ascending order"),
        (f"{GRID}>fig5>settings>noisless", {"density": [0.2]}, "did you mean `noiseless`?"),
        (f"{GRID}>fig5>settings>noiseless>lam", [2], "unknown key"),
        (f"{GRID}>fig5>settings>noiseless>density", [1.5], "1.5 is not allowed; valid: (0, 1]"),
        (f"{GRID}>fig5>settings>noiseless>amplitude", ["cauchy"], "cauchy is not allowed"),
        (f"{GRID}>fig7>settings>n2>size", [], "at least 1 item"),
    ],
)
def test_a_bad_grid_is_told_with_its_place(place, value, told):
    content = content_of("shifts")
    *path, last = place.split(">")
    section = content
    for part in path:
        section = section[part]
    section[last] = value
    text = fault("shifts", content)
    assert told in text and text.startswith(place.replace(">", ".")), text


def test_a_bad_name_in_the_file_of_figure_2_is_told():
    content = content_of("compressive_sensing")
    for key, value, told in (
        ("curves_of", "fig55", "curves_of.fig55: unknown key; did you mean `fig5`?"),
        ("settings", ["noisy"], "settings.noisy: unknown key; "),
        ("methods", ["altista"], "methods.altista: unknown key; did you mean `alista`?"),
    ):
        assert fault("compressive_sensing", content | {key: value}).startswith(told)


def test_derived_rooms_train_nothing_of_their_own(monkeypatch):
    monkeypatch.chdir(ROOT)
    graph = Graph("laptop")
    for name in ("shifts", "compressive_sensing"):
        one = graph.experiments[name]
        own = [job for job in one.jobs() if job.wildcards.get("experiment") == name]
        assert {job.kind for job in own} <= {"measure"}
        there = {id(job) for job in graph.jobs}
        assert all(id(job) in there for job in one.jobs())  # those of the other rooms themselves
    assert CompressiveSensing("laptop").settings == ["noiseless", "snr20"]


def test_what_is_shifted_is_in_the_keys_of_its_job_alone():
    content = content_of("shifts")
    content["presets"]["laptop"]["grids"]["fig5"]["settings"]["snr20"] = {"density": [0.2]}
    jobs = {n: keys(room("shifts", c, "laptop").jobs()) for n, c in ((0, None), (1, content))}
    shared = {*jobs[0]} & {*jobs[1]}
    changed_ones = {job for job in shared if jobs[0][job] != jobs[1][job]}
    measured_again = {dict(job[1:])["measurement"] for job in changed_ones if job[0] == "measure"}
    assert measured_again == {"fig5_snr20_density"}
    assert {job[0] for job in changed_ones} == {"measure", "join", "table", "figure"}
