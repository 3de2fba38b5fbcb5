"""Small regressions at a tiny size: equal bytes, searched starts, certified minima, faults."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from every_room import content_of, fault, room
from l2o.experiments.small_regression.experiment import SmallRegression
from l2o.storage.checkpoints import load_tensors
from small_network_jobs import bytes_again, made, make_folder

SETTINGS, POLICY = ("quadratic", "robust"), "policy_optimizer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    content = content_of("small_regression")
    changes = {
        "settings": {name: content["settings"][name] for name in SETTINGS},
        "presets>smoke>sizes": {"quadratic": 3, "robust": 4},
        "grid": {"gd": {"rate": [0.02, 0.05]}, "adam": {"rate": [0.1, 0.3]}},
        "policies": {POLICY: {"units": 5}, "policy_unrolled": {"units": 5}},
        "first_order>sgd_momentum": None,
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    place = tmp_path_factory.mktemp("small_regression")
    return make_folder(place, "small_regression", changes)


@pytest.fixture
def small(folder, monkeypatch) -> SmallRegression:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return SmallRegression("smoke")


@pytest.mark.parametrize("method", [POLICY, "lbfgs"])
def test_jobs_are_the_same_twice(small, method):
    job = made(small.evaluate("robust", method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    assert bytes_again(small.sample("robust"), "set") == {"set": True}
    assert bytes_again(small.optima("robust"), "optima") == {"optima": True}
    if method == POLICY:
        assert all(bytes_again(small.train("robust", method), "checkpoint", "history").values())


def test_a_policy_begins_as_the_best_gradient_descent(small):
    training = made(small.train("quadratic", POLICY))
    _, record = load_tensors(training.writes["checkpoint"])
    told = record["hyperparameters"]
    assert (told["dimension"], told["scale"], told["units"]) == (3, 50.0, 5)
    # The best rate for quadratics with eigenvalues up to 30; from 2 / 30 on f rises.
    assert told["rate"] in training.parameters["policy_training"]["begin_rates"]
    assert 0.02 <= told["rate"] < 2 / 30


def test_excesses_are_those_over_certified_minima_and_the_trained_end_is_recorded(small):
    for setting in SETTINGS:
        optima = pd.read_csv(made(small.optima(setting)).writes["optima"])
        assert (optima["gradient"] < 1e-9).all() and (optima["curvature"] > 0).all()
        for method in (POLICY, "lbfgs"):
            job = made(small.evaluate(setting, method))
            curves = pd.read_csv(job.writes["curves"])
            assert {0, 40, 100} <= {*curves["iteration"]}
            ends = pd.read_csv(job.writes["runs"])
            assert (ends["end"] >= -1e-9).all() and (curves["below"] == 0).all()
            assert curves["gap"].iloc[-1] == pytest.approx(ends["end"].clip(0).mean(), abs=1e-12)
            assert curves["evaluations"].iloc[-1] > 40


def test_figures_and_table_are_the_same_twice_and_tell_drawn_steps(small):
    for name in small.figure_names:
        assert all(bytes_again(made(small.figure(name)), "pdf", "png").values())
    table = made(small.table())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    assert "Excess after 40 steps" in text and "Excess after 100 steps" in text
    assert "by drawn ones" in text and "best known of many descents" in text
    rows = pd.read_csv(table.writes["csv"])
    assert len(rows) == 2 * 2 * len(small.contestants) and {*rows["iteration"]} == {40, 100}
    numbers = json.loads(table.writes["metrics"].read_text())
    at = rows[(rows["setting"] == "robust") & (rows["iteration"] == 40)].set_index("method")
    told = numbers["robust"]["lbfgs_gap"]
    assert told == pytest.approx(at.loc["lbfgs", "gap_median"], rel=1e-4)
    assert numbers["contests"] == 2
    drawn = pd.read_csv(small.measure("stochastic").writes["table"])
    assert {*drawn["method"]} == {POLICY} and {*drawn["steps"]} == {"mean", "drawn"}
    own = drawn[(drawn["setting"] == "robust") & (drawn["steps"] == "mean")]
    assert own["gap_median"].to_numpy() == pytest.approx(at.loc[POLICY, "gap_median"], rel=1e-4)


def test_methods_by_hand_alone_are_a_report_too(small):
    alone = SmallRegression("smoke", ["gd", "lbfgs"])
    assert not [job for job in alone.jobs() if job.kind in ("train", "measure")]
    text = made(alone.table()).writes["markdown"].read_text()
    assert "by drawn ones" not in text and "L-BFGS" in text


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("policies", POLICY, "dimension"), 3, "is that of the preset's `sizes`; drop it"),
        (("policies", POLICY, "rate"), 0.1, "is that of the best of `begin_rates`; drop it"),
        (("policies", POLICY, "anchored"), 2, "policies.policy_optimizer.anchored"),
        (("horizon",), 200, "horizon: is 200, more than the 100 iterations"),
        (("settings", "robust", "problem"), "robots", "'logistic' or 'robust', found"),
        (("settings", "robust", "scale"), 0, "settings.robust.scale"),
        (("presets", "smoke", "policy_training", "rollouts"), 1, "policy_training.rollouts"),
        (("presets", "smoke", "policy_overrides"), {"gd": {}}, "policy_overrides.gd: unknown"),
        (("presets", "smoke", "sizes", "robust"), None, "presets.smoke.sizes"),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("small_regression")
    section = content
    for key in place[:-1]:
        section = section.setdefault(key, {})
    section[place[-1]] = value
    if value is None:
        del section[place[-1]]
    assert told in fault("small_regression", content)


def test_a_budget_holds_for_its_policy_alone():
    content = content_of("small_regression")
    content["presets"]["smoke"]["policy_overrides"] = {f"robust/{POLICY}": {"updates": 7}}
    one = room("small_regression", content)
    updates = [
        one.train(setting, method).parameters["policy_training"]["updates"]
        for setting, method in (("robust", POLICY), ("quadratic", POLICY))
    ]
    assert updates == [7, 4] and np.unique([*one.settings]).size == 3
