"""Update rules found by a search, at a tiny size: equal bytes, what is compared and refused."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest
import torch

from every_room import content_of, fault, room
from l2o.experiments.rule_search import report
from l2o.experiments.rule_search.experiment import RuleSearch
from l2o.experiments.rule_search.parameters import HOME
from l2o.figures.about import About
from l2o.optimizers.update_rules import load_rule
from l2o.training.rule_proxy import ProxyTraining
from l2o.training.rule_search import CHECK
from small_network_jobs import bytes_again, made, make_folder

DIGITS, MNIST, FOUND = "digits_wide", "mnist", ("symbolic_rule", "symbolic_random")
BY_HAND = ("adam", "power_sign")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    changes = {
        "first_order": {name: {} for name in BY_HAND},
        "rates": [0.001, 0.1],
        "settings>mnist>minibatch": 16,
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    return make_folder(tmp_path_factory.mktemp("rule_search"), "rule_search", changes)


@pytest.fixture
def rules(folder, monkeypatch) -> RuleSearch:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    monkeypatch.setenv("L2O_IMAGE_MIRROR", str(folder / "mirror"))
    return RuleSearch("smoke")


def test_jobs_are_the_same_twice(rules):
    training = made(rules.train(HOME, FOUND[0]))
    assert all(bytes_again(training, "checkpoint", "history").values())
    assert bytes_again(made(rules.tune(HOME, "adam")), "tuned") == {"tuned": True}
    for setting in (DIGITS, MNIST):
        for method in (FOUND[0], "adam"):
            job = made(rules.evaluate(setting, method))
            assert all(bytes_again(job, "curves", "finals", "runs").values())


def test_a_rule_is_found_once_and_taken_to_all_networks(rules):
    jobs = {job.name: job for job in rules.jobs()}
    assert sum(job.kind == "train" for job in jobs.values()) == len(FOUND)
    assert sum(job.kind == "tune" for job in jobs.values()) == len(BY_HAND)
    for setting in (DIGITS, MNIST):
        read = rules.evaluate(setting, FOUND[0]).reads
        assert read["checkpoint"].job is rules.train(HOME, FOUND[0])
        assert rules.evaluate(setting, "adam").reads["tuned"].job is rules.tune(HOME, "adam")
        assert ("digits" in read) == (setting == MNIST)
    job = made(rules.train(HOME, FOUND[0]))
    assert job.reads == {}
    history = pd.read_csv(job.writes["history"])
    best = (
        history[history["phase"] == "final"].sort_values("validation_loss", kind="stable").iloc[0]
    )
    rule = load_rule(job.writes["checkpoint"], 10)
    assert (rule.formula, rule.hyper["rate"]) == (best["formula"], best["rate"])
    finals = pd.read_csv(made(rules.evaluate(MNIST, FOUND[0])).writes["finals"]).iloc[0]
    assert finals["formula"] == best["formula"]
    judged = rules.judged(FOUND[0])
    budget = judged["training"]
    size = budget["steps"], budget["final_starts"]
    check = ProxyTraining.drawn(
        judged["proxy"], size, judged["seed"], CHECK, torch.device("cpu")
    ).median(load_rule(job.writes["checkpoint"], budget["steps"]))
    assert finals["validation_loss"] == pytest.approx(check) != best["validation_loss"]
    assert finals["evaluations"] == 12


def test_all_methods_start_alike_and_rates_are_those_of_the_same_training(rules):
    everyone = (*BY_HAND, *FOUND)
    curves = [pd.read_csv(made(rules.evaluate(MNIST, n)).writes["curves"]) for n in everyone]
    assert len({table["loss"].iloc[0] for table in curves}) == 1
    assert curves[0]["loss"].iloc[0] == pytest.approx(math.log(10), abs=1e-3)
    searched, by_hand = rules.judged(FOUND[0]), rules.judged("adam")
    for name in ("rates", "proxy", "training", "seed"):
        assert searched[name] == by_hand[name]


def test_figure_and_table_are_the_same_twice_and_tell_the_formulas(rules):
    assert all(bytes_again(made(rules.figure("rule_search")), "pdf", "png").values())
    table = made(rules.table())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    for name in FOUND:
        assert f"`{load_rule(rules.train(HOME, name).writes['checkpoint'], 5).formula}`" in text
    rows = pd.read_csv(table.writes["csv"])
    assert len(rows) == 2 * 4 and (rows["seconds_per_step"] > 0).all()
    assert (rows["formula"].notna() == rows["method"].isin(FOUND)).all()
    numbers = json.loads(table.writes["metrics"].read_text())
    assert numbers["contests"] == 2 and {*numbers} == {"contests", "contests_won", DIGITS, MNIST}
    assert numbers[MNIST].keys() <= {f"{name}_loss" for name in (*BY_HAND, *FOUND)}
    tried = pd.read_csv(rules.tables()["searches"]["table"].path)
    best = report._tried({"searches": tried}, About(**table.parameters["about"]))["best"]
    assert (best <= math.log(10)).all() and best.min() < math.log(10)
    assert tried.groupby(["method", "phase"]).size().tolist() == [2, 12, 2, 12]


def test_methods_by_hand_alone_are_a_report_too(rules):
    alone = RuleSearch("smoke", list(BY_HAND))
    assert "searches" not in alone.tables()
    made(alone.figure(alone.report_name))
    text = made(alone.table()).writes["markdown"].read_text()
    assert "PowerSign" in text and "best rules" not in text
    found = RuleSearch("smoke", list(FOUND))
    assert "tuned" not in found.tables()
    assert "Evolved rule" in made(found.table()).writes["markdown"].read_text()


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("rates",), [], "rates: "),
        (("rates",), [0.1, -1], "rates.1: "),
        (("proxy", "hidden"), [0], "proxy.hidden.0: "),
        (("settings", "mnist", "images"), "cifar", "'digits' or 'mnist', found"),
        (("symbolic", "symbolic_rule"), {"rate": 0.1}, "rate: is searched for; drop it"),
        (("symbolic", "symbolic_rule"), {"steps": 10}, "steps: lasts as long as a run"),
        (("first_order", "power_sign"), {"steps": 10}, "steps: lasts as long as a run"),
        (("presets", "smoke", "rule_training", "population"), 99, "more than the 6 of evaluations"),
        (("presets", "smoke", "rule_training", "tournament"), 99, "more than the 3 of population"),
        (("presets", "smoke", "rule_training", "nested"), 9, "nested: "),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("rule_search")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("rule_search", content)


def test_a_setting_is_not_called_as_the_place_of_the_search():
    content = content_of("rule_search")
    content["settings"][HOME] = content["settings"]["mnist"]
    assert "is where rules are searched for" in fault("rule_search", content)
    assert room("rule_search").parameters.training_settings == [HOME]
