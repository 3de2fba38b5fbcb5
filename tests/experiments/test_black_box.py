"""Black-box functions at a tiny size: equal bytes, equal queries, shared nets, what is compared."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from every_room import content_of, fault, room
from l2o.experiments.black_box import report
from l2o.experiments.black_box.experiment import BlackBox
from l2o.figures.about import About
from small_network_jobs import bytes_again, made, make_folder

DRAWN, KNOWN, LEARNED = "draws2", "branin", "black_box_rnn_oi"
END = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = content_of("black_box")["settings"]
    changes = {
        "settings": {name: settings[name] for name in (DRAWN, KNOWN)},
        "marks": [3, 5, 50],
        "presets>smoke>left_out": [],
        "presets>smoke>evaluations": END,
        "learned_black_box": {LEARNED: {"hidden": 4}, "black_box_rnn_sum": {"hidden": 4}},
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    return make_folder(tmp_path_factory.mktemp("black_box"), "black_box", changes)


@pytest.fixture
def box(folder, monkeypatch) -> BlackBox:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return BlackBox("smoke")


@pytest.mark.parametrize("method", ["gp_ei", "tpe", LEARNED])
def test_jobs_are_the_same_twice(box, method):
    job = made(box.evaluate(DRAWN, method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    assert bytes_again(box.sample(DRAWN), "set") == {"set": True}
    assert bytes_again(box.optima(DRAWN), "optima") == {"optima": True}
    if method == LEARNED:
        training = box.train(DRAWN, method)
        assert all(bytes_again(training, "checkpoint", "history").values())


def test_all_methods_ask_as_often_from_the_same_first_query(box):
    tables = {
        name: pd.read_csv(made(box.evaluate(KNOWN, name)).writes["curves"])
        for name in box.contestants
    }
    assert len({rows["loss"].iloc[0] for rows in tables.values()}) == 1
    for rows in tables.values():
        assert rows["iteration"].tolist() == rows["evaluations"].tolist() == [*range(1, END + 1)]
        assert (rows["loss"].diff().dropna() <= 0).all() and (rows["loss"] >= 0).all()
        assert (rows["loss_q25"] <= rows["loss_median"]).all()
        assert (rows["loss_median"] <= rows["loss_q75"]).all()


def test_minima_are_found_by_the_search_and_are_no_higher_than_known(box):
    found, drawn = (pd.read_csv(made(box.optima(s)).writes["optima"]) for s in (KNOWN, DRAWN))
    assert found["searched"].to_numpy() == pytest.approx(found["known"].to_numpy(), abs=1e-9)
    assert (found["minimum"] <= found[["searched", "known"]].min(axis=1)).all()
    assert drawn["known"].isna().all() and drawn["minimum"].nunique() == len(drawn)
    for name in box.contestants:
        ends = pd.read_csv(made(box.evaluate(DRAWN, name)).writes["runs"])["end"]
        assert (ends >= 0).all() and len(ends) == len(drawn)


def test_functions_share_the_nets_of_draws_and_trainings_read_no_set(box):
    own, other = (box.evaluate(setting, LEARNED) for setting in (DRAWN, KNOWN))
    assert own.reads["checkpoint"].job is other.reads["checkpoint"].job
    assert own.reads["checkpoint"].job.reads == {}
    trained = [job.wildcards["setting"] for job in box.jobs() if job.kind == "train"]
    assert trained == [DRAWN, DRAWN]
    whole = room("black_box", None, "laptop")
    assert whole.parameters.training_settings == [DRAWN, "hartmann3", "hartmann6"]
    dimensions = [whole.train(s, LEARNED).parameters["dimension"] for s in ("draws2", "hartmann6")]
    assert dimensions == [2, 6]


def test_figures_and_table_are_the_same_twice_and_say_who_is_ahead(box):
    for name in box.figure_names:
        assert all(bytes_again(made(box.figure(name)), "pdf", "png").values())
    table = made(box.table())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    assert "after 3, 5 and 9 queries" in text and "Learned methods against GP-EI" in text
    for title in box.titles().values():
        assert title in text
    rows = pd.read_csv(table.writes["csv"])
    assert {*rows["iteration"]} == {3, 5, END} and len(rows) == 3 * 2 * len(box.contestants)
    assert (rows["seconds"] > 0).all()
    numbers = json.loads(table.writes["metrics"].read_text())
    assert numbers["contests"] == 12 and 0 <= numbers["contests_won"] <= 12
    ends = rows[rows["iteration"] == END].set_index(["setting", "method"])
    assert numbers[KNOWN]["tpe_loss"] == pytest.approx(
        ends.loc[(KNOWN, "tpe"), "loss_median"], rel=1e-4
    )


def test_some_methods_alone_are_a_report_too(box):
    alone = BlackBox("smoke", ["random_search", "tpe"])
    text = made(alone.table()).writes["markdown"].read_text()
    assert "TPE" in text and "Learned methods against" not in text


def curves(method: str, kind: str, regrets: list[float], each: float) -> pd.DataFrame:
    """A curve of a method that takes the same seconds for each query."""
    places = np.arange(1, len(regrets) + 1)
    head = {"setting": "a", "method": method, "kind": kind, "label": method, "variant": "main"}
    rows = pd.DataFrame({**head, "iteration": places, "loss": regrets, "status": "converged"})
    spread = {name: regrets for name in report.REGRET.spread}
    return rows.assign(**spread, seconds=each * places)


def test_who_is_ahead_at_equal_queries_and_in_equal_seconds():
    net = curves("net", "learned_black_box", [3, 1, 1, 0.5, 2e-4, 2e-4], 0.1)
    model = curves("gp_ei", "black_box", [3, 2, 1, 0.9, 5e-4, 1e-5], 0.25)
    both = pd.concat([net, model], ignore_index=True)
    facts = {"marks": [2, 4, 6], "model": "gp_ei", "model_label": "GP-EI"}
    told = About("black_box", "", "smoke", "", {"a": "A"}, "1 run", facts)
    finals = both.drop_duplicates("method").assign(runs=4, failed=[3, 0])
    tables = {"curves": both.drop(columns="seconds"), "seconds": both, "finals": finals}
    compared = report.table(tables, None, told)
    (cell,) = compared.blocks[-1].rows[0][1]
    # Regrets below a thousandth are alike; the net takes 0.6 s, and the model two queries in it.
    assert cell.text == "2, 4" and cell.verdict == "met"
    assert cell.small == "2.0 × 10⁻⁴ in 0.60 s; GP-EI 2.0 with 2"
    assert compared.metrics == {
        **{"contests": 3, "contests_won": 2},
        "a": {"net_loss": 2e-4, "gp_ei_loss": 1e-5},
    }
    (ours, theirs) = (row[1][0] for row in compared.blocks[1].rows)
    assert ours.text == "1.0 / 0.50 / 2.0 × 10⁻⁴" and theirs.verdict == "met"
    assert ours.small.endswith("; 3 of 4 failed") and "failed" not in theirs.small
    seconds = compared.blocks[3].rows[0][1][0]
    assert seconds.text == "0.10" and seconds.small == "0.10 at the end"


def test_spans_are_told_by_their_ends():
    assert report._spans([2, 3, 4, 7, 9, 10]) == "2–4, 7, 9–10" and report._spans([]) == ""


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", "branin", "trained_on"), "draws", "trained_on.draws: unknown key"),
        (("settings", "branin", "trained_on"), "hartmann3", "has 3 unknowns, not 2"),
        (("settings", "branin", "dimension"), 2, "is that of the function"),
        (("settings", "draws2", "dimension"), None, "settings.draws2.dimension: is missing"),
        (("settings", "draws2", "lengthscales"), [0.5, 0.1], "0.5 is above 0.1"),
        (("settings", "hartmann3", "lengthscales"), None, "is missing, and nets are trained"),
        (("settings", "hartmann3", "function"), "hartmann4", "'hartmann3' or 'hartmann6', found"),
        (("marks",), [5, 2], "not in ascending order"),
        (("presets", "smoke", "oracle", "starts"), 999, "more than the 256 points"),
        (
            ("presets", "smoke", "search_overrides"),
            {"gp_ei": {}},
            "search_overrides.gp_ei: unknown",
        ),
        (("learned_black_box", LEARNED, "hidden"), 2.5, "out of range"),
        (("learned_black_box", LEARNED, "dimension"), 2, "is that of the setting; drop it"),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("black_box")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("black_box", content)


def test_a_budget_holds_for_its_net_alone():
    content = content_of("black_box")
    content["presets"]["smoke"]["search_overrides"] = {f"hartmann3/{LEARNED}": {"updates": 7}}
    one = room("black_box", content)
    updates = {
        setting: one.train(setting, LEARNED).parameters["training"]["updates"]
        for setting in ("draws2", "hartmann3")
    }
    assert updates == {"draws2": 4, "hartmann3": 7}
