"""Minimax problems at a tiny size: equal bytes, equal gradients, shared nets, what is measured."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from every_room import content_of, fault, room
from l2o.experiments.minimax import report
from l2o.experiments.minimax.experiment import Minimax
from l2o.figures.compared import Text
from l2o.optimizers.registry import methods
from small_network_jobs import bytes_again, made, make_folder

SEESAW, GAME, SHIFTED = "seesaw1", "game5", "game5_shifted"
END, ONLY = 40, ("gda", "extragradient", "halpern", "twin_l2o", "l2o_anderson")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = content_of("minimax")["settings"]
    changes = {
        "settings": {name: settings[name] for name in (SEESAW, "seesaw4", GAME, SHIFTED)},
        "safeguarded": [GAME, SHIFTED],
        "presets>smoke>gradients": END,
        "presets>smoke>sizes": {GAME: 4, SHIFTED: 4},
        **{f"grid>{name}": {"rate": [0.1, 0.4]} for name in ("gda", "extragradient", "halpern")},
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    return make_folder(tmp_path_factory.mktemp("minimax"), "minimax", changes)


@pytest.fixture
def minimax(folder, monkeypatch) -> Minimax:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return Minimax("smoke", ONLY)


@pytest.mark.parametrize("method", ["extragradient", "twin_l2o", "l2o_anderson"])
def test_jobs_are_the_same_twice(minimax, method):
    job = made(minimax.evaluate(SEESAW, method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    assert bytes_again(minimax.sample(SEESAW), "set") == {"set": True}
    if minimax.contestant(method).trained:
        training = minimax.train(SEESAW, method)
        assert bytes_again(training, "checkpoint", "history") == dict.fromkeys(
            ("checkpoint", "history"), True
        )


def test_all_methods_get_as_many_gradients_from_the_same_starts(minimax):
    tables = [pd.read_csv(made(minimax.evaluate(GAME, m)).writes["curves"]) for m in ONLY]
    ends = [rows["evaluations"].iloc[-1] for rows in tables]
    assert ends == [END] * len(ONLY)
    assert [rows["iteration"].iloc[-1] for rows in tables] == [40, 20, 20, 20, 40]
    assert len({rows["loss"].iloc[0] for rows in tables}) == 1


def test_the_search_chooses_the_lowest_mean_logarithm(minimax):
    rows = pd.read_csv(made(minimax.tune(SEESAW, "extragradient")).writes["tuned"])
    assert len(rows) == 2 and rows["chosen"].idxmax() == rows["loss"].idxmin()
    assert (rows["loss"] < 1).all()
    assert {json.loads(text)["rate"] for text in rows["hyperparameters"]} == {0.1, 0.4}


def test_a_setting_that_is_like_another_has_its_nets_and_steps_and_own_instances(minimax):
    for role, method in (("tuned", "gda"), ("checkpoint", "twin_l2o")):
        own, other = (minimax.evaluate(name, method) for name in (GAME, SHIFTED))
        assert own.reads[role].job is other.reads[role].job
        assert own.reads["set"].job is not other.reads["set"].job
    assert not [job for job in minimax.jobs() if job.name[0] in ("tune", "train")
                and job.wildcards["setting"] == SHIFTED]  # fmt: skip
    content = content_of("minimax")
    content["settings"]["saddle"]["trained_on"] = "rotated"
    other = room("minimax", content)
    assert other.training_of("saddle", "twin_l2o").wildcards["setting"] == "rotated"
    assert other.tune("saddle", "gda").wildcards["setting"] == "saddle"


def test_what_learned_methods_are_measured_by(minimax):
    tables = {
        name: pd.read_csv(made(job).writes["table"]) for name, job in minimax.tables().items()
    }
    untrained, transfer, guarded = (tables[n] for n in ("untrained", "transfer", "safeguard"))
    assert len(untrained) == 2 * len(minimax.settings) and (untrained["evaluations"] == END).all()
    assert {*transfer["setting"]} == {SEESAW, "seesaw4"}
    finals = tables["finals"].set_index(["setting", "method"])
    for _, row in transfer[transfer["setting"] == SEESAW].iterrows():  # its own nets
        assert row["loss"] == pytest.approx(finals.loc[(SEESAW, row["method"]), "loss"], rel=1e-9)
    keys = ["setting", "method"]
    off, on = (guarded[guarded["variant"] == v].set_index(keys) for v in ("main", "safeguarded"))
    assert (off["safe_steps"] == 0).all() and {*off.index.get_level_values(0)} == {GAME, SHIFTED}
    assert (on["safe_steps"] <= on["steps"]).all() and (on["safe_steps"] > 0).any()
    assert [on.loc[(GAME, m), "steps"] for m in ("twin_l2o", "l2o_anderson")] == [
        END // 5,
        END // 4,
    ]
    assert (on["evaluations"] <= END).all()


@pytest.mark.parametrize(
    ("medians", "first"),
    [([1, 0, 0], 20), ([0, 0, 0], 10), ([1, 0, 1], math.inf), ([0, 1, 0], 30)],
)
def test_a_problem_is_solved_where_it_stays_solved(medians, first):
    curve = pd.DataFrame({"loss_median": medians, "evaluations": [10, 20, 30]})
    assert report._solved_from(curve) == first


def test_figure_and_table_are_the_same_twice_and_say_who_is_first(minimax):
    figure, table = made(minimax.figure(minimax.report_name)), made(minimax.table())
    assert all(bytes_again(figure, "pdf", "png").values())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    for title in minimax.titles().values():
        assert f"\n| {title} | " in text
    assert "Gradients from which on the median" in text and "Halpern's instead" in text
    assert "trained for it, at the end" in text and "Untrained → trained" in text


def test_published_numbers_are_beside_ours_where_ours_run_as_long():
    from l2o.experiments.minimax import report
    from l2o.figures.about import About

    titles = {"rotated": "Rotated saddle", "saddle": "Saddle"}
    about = About("minimax", "Minimax", "laptop", "note", titles, "100 test instances")
    rows = [
        {"setting": s, "method": m, "evaluations": e, "loss": v, "label": m, "kind": kind}
        for s in titles
        for m, kind in (("gda", "minimax"), ("twin_l2o", "learned_minimax"))
        for e, v in ((0, 0.5), (1000, 1e-9), (2000, 1e-95))
    ]
    spread = {"loss_median": 1e-9, "loss_q25": 1e-9, "loss_q75": 1e-9}
    curves = pd.DataFrame(rows).assign(**spread, variant="main", status="converged")
    finals = curves.drop_duplicates(["setting", "method"]).assign(runs=100, failed=0)
    published = pd.DataFrame(
        {"panel": ["rotated"], "method": "twin_l2o", "evaluations": 2000, "loss": 6.19e-92}
    )
    found = report.table({"curves": curves, "finals": finals}, published, about)
    assert found.metrics["cells"] == found.metrics["cells_met"] == 1
    words = " ".join(block.text for block in found.blocks if isinstance(block, Text))
    assert "first in 0 of 2 (none), together with others in 2." in words  # ties are no lead
    assert np.isnan(found.rows["paper_loss"]).sum() == 3


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", "seesaw4", "a"), [5, 1], "settings.seesaw4.a: 5 is above 1"),
        (("settings", "game5", "size"), 9, "settings.game5.size: 9 unknowns"),
        (("settings", "game5_singular", "size"), 2, "settings.game5_singular.size: 2 unknowns"),
        (("settings", "saddle", "size"), 4, "settings.saddle.size: is 4; each player has one"),
        (("settings", "game5_singular", "density"), 1, "no matrix without zeros is singular"),
        (("settings", "game5", "like"), "game6", "settings.game5.like.game6: unknown key"),
        (("settings", "game5", "trained_on"), "game50", "unknown key"),
        (("transferred",), "game50", "transferred.game50: unknown key"),
        (("safeguarded",), ["seesaw1"], "safeguarded.seesaw1: is not convex-concave"),
        (("safeguarded",), ["game6"], "safeguarded.game6: unknown key"),
        (("presets", "smoke", "sizes"), {"game": 4}, "presets.smoke.sizes.game: unknown key"),
        (("presets", "smoke", "meta_training", "scaling"), 1, "is for minimisation only"),
        (("presets", "smoke", "gradients"), 4, "greater than or equal to 8"),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("minimax")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("minimax", content)


def test_all_minimax_methods_take_part():
    content = content_of("minimax")
    for kind in ("minimax", "learned_minimax"):
        assert {*content[kind]} == methods(kind).keys()
    departures = room("minimax", None, "laptop").departures()
    assert "no biases" in departures["Twin-L2O"] and "`warmup` 0" in departures["Twin-L2O"]
