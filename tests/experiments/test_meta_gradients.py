"""The room of meta-gradients at a tiny size: equal bytes, equal inner gradients, what is told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from every_room import content_of, fault, room
from l2o.experiments.meta_gradients import report
from l2o.experiments.meta_gradients.experiment import MetaGradients
from l2o.storage.fetching import MIRROR_VARIABLE
from small_network_jobs import bytes_again, made, make_folder

NAMES = ["backpropagation", "persistent"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = content_of("meta_gradients")["settings"]
    changes = {
        "settings": {name: settings[name] for name in NAMES},
        "presets>smoke>measured>unrolls": [2, 4],
    }
    return make_folder(tmp_path_factory.mktemp("gradients"), "meta_gradients", changes)


@pytest.fixture
def gradients(folder, monkeypatch) -> MetaGradients:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    monkeypatch.setenv(MIRROR_VARIABLE, "mirror")
    return MetaGradients("smoke")


def test_measurements_trainings_and_runs_are_the_same_twice(gradients):
    for point in ("drawn", "trained"):
        assert bytes_again(made(gradients.measure(point)), "table") == {"table": True}
    training = made(gradients.train("persistent", "l2o_dm"))
    assert all(bytes_again(training, "checkpoint", "history").values())
    evaluation = made(gradients.evaluate("backpropagation", "l2o_dm"))
    assert all(bytes_again(evaluation, "curves", "finals").values())
    curves = pd.read_csv(evaluation.writes["curves"])
    assert curves["iteration"].max() == 8 and curves["loss"].notna().all()


def test_bias_is_measured_at_both_points_and_cost_by_estimator(gradients):
    table = pd.read_csv(made(gradients.tables()["gradients"]).writes["table"])
    assert {*table["point"]} == {"drawn", "trained"} and {*table["estimator"]} == {*NAMES}
    assert len(table) == 2 * 2 * 2 and (table["deviation"] > 0).all()
    cost = pd.read_csv(made(gradients.measure("cost")).writes["table"])
    asked = cost.set_index(["estimator", "unroll"])["gradients"]
    assert asked["backpropagation", 4] == 4 and asked["persistent", 4] == 4 * 4
    assert asked["persistent", 2] == 4 * 2 and (cost["seconds"] > 0).all()


def test_all_estimators_learn_from_about_as_many_inner_gradients(gradients):
    table = pd.read_csv(made(gradients.tables()["learning"]).writes["table"])
    spent = table.groupby("setting")["inner_gradients"].max()
    assert spent["backpropagation"] == 10 * 8
    assert abs(spent["persistent"] - 80) <= 4 * 8 and table["validation_loss"].notna().all()
    whole = room("meta_gradients", None, "laptop")
    for setting in whole.settings:
        budget = whole.train(setting, "l2o_dm").parameters["meta_training"]
        assert budget["estimator"] == setting
        runs = {"backpropagation": 1, "persistent": 8}.get(setting, 9)
        assert 500 * runs * budget["epochs"] == 36_000


def test_figure_and_table_are_the_same_twice_and_name_the_crossings(gradients):
    assert all(bytes_again(made(gradients.figure("meta_gradients")), "pdf", "png").values())
    table = made(gradients.table())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    assert "is the larger one: backpropagation against persistent ES at " in text
    assert "the noise of the mean of 100 estimates: backpropagation at " in text
    numbers = json.loads(table.writes["metrics"].read_text())
    assert numbers["estimators"] == 2 and numbers["persistent"]["l2o_dm_validation_loss"] > 0


def rows(**changes) -> pd.DataFrame:
    both = pd.DataFrame(
        {
            "estimator": ["backpropagation", "backpropagation", "persistent", "persistent"],
            "unroll": [5, 500, 5, 500],
            "gradients": [100, 100, 400, 400],
            "deviation": [0.2, 9.0, 3.0, 1.0],
            "bias": [0.5, 0.1, 0.0, 0.0],
            "low": [0.4, 0.0, 0.0, 0.0],
            "high": [0.6, 0.5, 0.3, 0.1],
            "bound": [0.7, 0.8, 0.4, 0.2],
            "broken": [0, 0, 0, 0],
            "resolved": [True, False, False, False],
        }
    )
    return both.assign(noise=report._fair(both), **changes)


def test_crossings_are_at_equal_inner_gradients_and_of_resolved_biases():
    table = rows()
    assert table["noise"].tolist() == [0.1, 4.5, 3.0, 1.0]
    names = {"backpropagation": "BP", "persistent": "PES"}
    assert report._crossings(table, names) == (
        "The noise at equal inner gradients is the larger one: BP against PES at T = 500. A "
        "resolved bias exceeds the noise of the mean of 100 estimates: BP at T = 5; PES at no "
        "length."
    )
    lost = table.assign(bias=np.nan, broken=[2, 0, 0, 0])
    told = [report._cell(row).small for _, row in lost.iterrows()]
    assert told[:2] == ["2 not finite", "too large"]
    assert report._cell(table.iloc[0]).text == "0.50 (0.40 to 0.60)"
    assert report._cell(table.iloc[1]).text == "< 0.80"
    cost = pd.DataFrame(
        {
            "estimator": ["a", "a", "b"],
            "unroll": [5, 20, 20],
            "gradients": [5, 20, 80],
            "seconds": [9.0, 2.0, 4.0],
        }
    )
    assert report._seconds_of_a_gradient(cost, 21).to_dict() == {"a": 0.1, "b": 0.05}
    points = report._bias("", report._LOOKS["evolution"], table.iloc[:2])
    assert list(points.y) == [0.5, 0.8] and list(points.hollow) == [False, True]


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", "merged", "estimator"), "merge", "settings.merged.estimator: "),
        (("side",), 10, "side: "),
        (("recurrent",), {"l2o_rnnprop": {}}, "recurrent.l2o_rnnprop: its meta-gradients are not"),
        (("presets", "smoke", "meta_training", "pairs"), 1, "meta_training.pairs: is 1, and"),
        (("presets", "smoke", "measured", "unrolls"), [9], "9 is longer than the 8 steps"),
        (("presets", "smoke", "meta_training", "horizons"), [4, 8], "horizons: has several"),
        (("presets", "smoke", "measured", "estimates"), 1, "measured.estimates: "),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("meta_gradients")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("meta_gradients", content)


def test_a_parameter_is_part_of_the_jobs_that_read_it():
    before = room("meta_gradients")
    content = content_of("meta_gradients")
    content["presets"]["smoke"]["measured"]["estimates"] = 4
    after = room("meta_gradients", content)
    assert after.measure("drawn").key != before.measure("drawn").key
    assert after.measure("cost").key == before.measure("cost").key
    assert after.train("merged", "l2o_dm").key == before.train("merged", "l2o_dm").key
