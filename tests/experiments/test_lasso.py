"""The jobs of LASSO at a tiny size: the same bytes twice, all kinds of method, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import told
from l2o.artifacts.production import produce
from l2o.artifacts.proof import proof_path
from l2o.errors import InputError
from l2o.experiments.lasso.experiment import Lasso
from l2o.storage.sets import LASSO, read_split
from small_network_jobs import bytes_again, made, make_folder

SETTING = "m5_n10"
CHANGES = {
    "iterations": 40,
    "published_optimum_iterations": 300,
    "presets>smoke>samples": {"train": 64, "validation": 16, "test": 8},
    "presets>smoke>training>samples": 64,
    "presets>smoke>meta_training>validation_samples": 16,
    "presets>smoke>meta_training>validation_steps": 20,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("lasso"), "fig6", CHANGES)


@pytest.fixture
def room(folder, monkeypatch) -> Lasso:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return Lasso("smoke")


def test_a_set_is_the_same_twice_and_its_optima_are_certified(room):
    job = made(room.sample(SETTING))
    assert bytes_again(job, "set") == {"set": True}
    optimum, gap = read_split(job.writes["set"], "test", names=("optimum", "gap"), columns=LASSO)
    assert optimum.shape == (8,) and (np.abs(gap) < 1e-9 * optimum).all()


@pytest.mark.parametrize(
    ("method", "starts", "variants"),
    [("lista", 1, 1), ("l2o_dm", 2, 2), ("adam", 2, 2), ("fista", 2, 2)],
)
def test_an_evaluation_is_the_same_twice_whatever_the_kind(room, method, starts, variants):
    job = made(room.evaluate(SETTING, method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    curves, finals, runs, seconds = (pd.read_csv(path) for path in job.writes.values())
    assert len(finals) == variants and (finals["runs"] == 8 * starts).all()
    assert len(runs) == 8 * starts
    assert method in ("adam", "l2o_dm") or runs["iteration_1"].notna().any()
    assert len(seconds) == 1 and seconds["seconds"][0] > 0
    main = curves[curves["variant"] == "main"]
    assert {*main["iteration"]} >= {*range(21), 40} and (main["setting"] == SETTING).all()
    assert (main["start_low"] <= main["relative_loss"]).all()
    last = finals[finals["variant"] == "main"].iloc[0]
    assert last["relative_loss"] == main["relative_loss"].iloc[-1]
    assert (main["layers"] == (4 if method == "lista" else 0)).all()


def test_all_methods_are_timed_in_one_job(room):
    table = pd.read_csv(made(room.time(SETTING)).writes["seconds"])
    assert [*dict.fromkeys(table["method"])] == [*room.contestants]
    assert (table.groupby("method")["iteration"].max() == 40).all()
    assert (table.groupby("method")["seconds"].diff().dropna() >= 0).all()
    assert (table["batch"] == 8).all()


def test_the_optimum_of_the_paper_stands_beside_the_certified_one(room):
    job = made(room.optima(SETTING))
    assert bytes_again(job, "optima") == {"optima": True}
    (row,) = pd.read_csv(job.writes["optima"]).to_dict("records")
    assert (row["instances"], row["fista_iterations"]) == (8, 300)
    assert 0 <= row["largest_certified_gap"] < 1e-9 and row["relative_loss"] < 1


def test_solvers_of_single_instances_are_timed_and_end_at_the_optimum(room):
    table = pd.read_csv(made(room.tables()["exact_seconds"]).writes["table"])
    assert [*dict.fromkeys(table["setting"])] == room.settings
    assert (table["batch"] == 8).all() and (table["seconds"] > 0).all()
    for _, rows in table.groupby("setting"):
        *ours, certified = rows.to_dict("records")
        assert [row["tolerance"] for row in ours] == [*room.parameters.exact_tolerances]
        assert {row["method"] for row in ours} == {"celer"} and certified["kind"] == "oracle"
        losses = [row["relative_loss"] for row in ours]
        assert losses[0] > losses[-1] > -1e-12 and losses[-1] < 1e-6
        assert abs(certified["relative_loss"]) < 1e-12
    with pytest.raises(InputError, match="exacts: unknown key; did you mean `exact`"):
        room.measure("exacts")


def test_timings_set_solving_beside_training(room):
    job = made(room.timings())
    rows = pd.read_csv(job.writes["table"]).set_index(["setting", "method"])
    assert len(rows) == len(room.settings) * len(room.contestants)
    trained = [name for name, who in room.contestants.items() if who.trained]
    here = rows.loc[SETTING]
    assert {*here.index[here["training_seconds"].notna()]} == {*trained}
    assert (here["solve_seconds"] > 0).all()


def test_what_is_missing_or_unproven_is_refused(room):
    job = room.evaluate("m25_n50", "alista")
    checkpoint = room.train("m25_n50", "alista").writes["checkpoint"]
    made(room.sample("m25_n50"))
    for path in (checkpoint, proof_path(checkpoint)):
        path.unlink(missing_ok=True)
    with pytest.raises(InputError) as error:
        produce(job)
    told(error, checkpoint, "no such file", "snakemake")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write_bytes(b"a net of unknown origin")
    with pytest.raises(InputError) as error:
        produce(job)
    told(error, checkpoint, "no proof", "snakemake")
    checkpoint.unlink()


def test_a_meta_training_that_only_diverges_is_told(room, monkeypatch):
    made(room.sample(SETTING))
    monkeypatch.setattr("l2o.optimizees.lasso.Lasso.gradient", lambda self, x: x / 0.0)
    job = room.train(SETTING, "l2o_rnnprop")
    for path in job.writes.values():
        path.unlink(missing_ok=True)
    with pytest.raises(InputError, match="diverged in every epoch") as error:
        produce(job)
    assert error.value.remedy and "\n" not in str(error.value)
    assert not job.writes["checkpoint"].exists()
