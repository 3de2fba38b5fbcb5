"""The jobs of the Rastrigin family at a tiny size: equal bytes, oracles, searches, runs."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from conftest import told
from l2o.artifacts.production import produce
from l2o.artifacts.proof import write_proof
from l2o.errors import InputError
from l2o.experiments.rastrigin.experiment import Rastrigin
from small_network_jobs import bytes_again, made, make_folder

SETTING, END = "n2", 60
POPULATIONS = ("pso", "cma_es", "multi_start", "basin_hopping")
FIRST_ORDER = ("adam", "rmsprop", "gd_line_search", "nag", "power_sign", "add_sign")
UNTRAINED = (*FIRST_ORDER, *POPULATIONS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    changes = {"iterations": END, "presets>smoke>meta_training>validation_steps": 20}
    return make_folder(tmp_path_factory.mktemp("rastrigin"), "fig7", changes)


@pytest.fixture
def room(folder, monkeypatch) -> Rastrigin:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return Rastrigin("smoke")


def test_sets_and_oracles_are_the_same_twice(room):
    assert bytes_again(made(room.sample(SETTING)), "set") == {"set": True}
    job = made(room.optima(SETTING))
    assert bytes_again(job, "optima") == {"optima": True}
    found = pd.read_csv(job.writes["optima"])
    assert (found["minimum"] >= found["lower_bound"]).all() and found["grid"].count() >= 12
    assert (found["minimum"] <= found["oracle"]).all() and found["proven"].eq(1).all()
    assert not (found["minimum"] - found["grid"]).abs().gt(1e-6).any()


def test_oracles_of_all_settings_are_summed_up(room):
    table = pd.read_csv(made(room.tables()["optima"]).writes["table"]).set_index("setting")
    assert [*table.index] == room.settings
    for setting in room.settings:
        found = pd.read_csv(room.optima(setting).writes["optima"])
        for name in ("oracle", "minimum", "proven"):
            assert table.loc[setting, name] == pytest.approx(found[name].mean())
        assert table.loc[setting, "instances"] == len(found)
        assert table.loc[setting, "grid_checked"] == found["grid"].count()


def test_the_search_tries_all_and_chooses_the_lowest(room):
    sizes = {"adam": 12, "gd_line_search": 9, "nag": 9, "rmsprop": 4, "power_sign": 9}
    sizes |= {"add_sign": 9}
    sizes |= {"cma_es": 6, "multi_start": 4, "basin_hopping": 6}
    for method, size in sizes.items():
        rows = pd.read_csv(made(room.tune(SETTING, method)).writes["tuned"])
        assert len(rows) == size and rows["chosen"].sum() == 1
        assert rows["chosen"].idxmax() == rows["loss"].idxmin()
        kept = room.contestant(method).hyperparameters.items()
        assert all(kept <= json.loads(text).items() for text in rows["hyperparameters"])
    assert {m for m in room.contestants if room.tune(SETTING, m)} == {*sizes}


def test_an_evaluation_is_the_same_twice_and_a_swarm_pays_for_its_particles(room):
    job = made(room.evaluate(SETTING, "l2o_swarm"))
    assert all(bytes_again(job, "curves", "finals").values())
    rows = pd.read_csv(job.writes["curves"])
    assert {*rows["variant"]} == {"main", "published_recipe"}
    rows = rows[rows["variant"] == "main"].set_index("iteration")
    assert rows.loc[END, "evaluations"] == 4 + END * 8  # 4 particles, values and gradients
    assert (rows["gap"] > -1e-9).all() and rows["loss"].is_monotonic_decreasing
    finals = pd.read_csv(job.writes["finals"]).iloc[0]
    assert [*finals[["loss", "gap"]]] == pytest.approx([*rows.loc[END, ["loss", "gap"]]])


def test_untrained_methods_run_with_what_the_search_chose(room):
    tables = {
        name: pd.read_csv(made(room.evaluate(SETTING, name)).writes["curves"]) for name in UNTRAINED
    }
    main = {
        name: table[table["variant"] == "main"].set_index("iteration")
        for name, table in tables.items()
    }
    ends = {name: rows.loc[END, "evaluations"] for name, rows in main.items()}
    assert (ends["adam"], ends["pso"]) == (END, 8 * (END + 1))
    assert {ends[name] for name in POPULATIONS[1:]} == {8 * END}
    assert ends["gd_line_search"] > END
    assert len({main[name].loc[0, "loss"] for name in UNTRAINED if name != "pso"}) == 1
    assert [name for name in UNTRAINED if "as_drawn" in {*tables[name]["variant"]}] == ["rmsprop"]


def test_all_methods_are_timed_in_one_job_with_what_the_search_chose(room):
    few = Rastrigin("smoke", only=("adam", "pso", "cma_es"))
    job = made(few.time(SETTING))
    rows = pd.read_csv(job.writes["seconds"])
    assert {*rows["method"]} == {"adam", "pso", "cma_es"} and (rows["batch"] == 16).all()
    for _, own in rows.groupby("method"):
        each = own["seconds"] / own["iteration"]
        assert own["iteration"].max() == END and (each > 0).all() and np.allclose(each, each.max())
    assert {name for name in job.reads if "tuned" in name} == {"tuned adam", "tuned cma_es"}


def test_matrices_that_are_not_finite_are_refused(room):
    job = made(room.sample("n10"))
    with h5py.File(job.writes["set"], "r+") as file:
        file["train/A"][3, 0, 1] = np.nan
    write_proof(job.writes["set"], job.record)
    with pytest.raises(InputError) as error:
        produce(room.train("n10", "l2o_dm"))
    told(error, job.writes["set"], "train/A", "NaN")
    produce(job)
