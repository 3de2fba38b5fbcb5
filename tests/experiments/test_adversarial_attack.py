"""Adversarial attacks at a tiny size: equal bytes, equal gradients, what learned ones begin as."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from every_room import content_of, fault, room
from l2o.config.classifier import VICTIM
from l2o.errors import InputError
from l2o.evaluation import attacks
from l2o.evaluation.attacks import digits_of
from l2o.experiments.adversarial_attack.experiment import AdversarialAttack
from l2o.experiments.adversarial_attack.problem import as_losses
from l2o.optimizers.trained import load_recurrent
from l2o.storage.checkpoints import load_tensors
from small_network_jobs import bytes_again, made, make_folder

SHORT, LONG = "robust_10", "robust_40"
FEW, MANY = 4, 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = content_of("adversarial_attack")["settings"]
    changes = {
        "settings": {
            "standard_10": settings["standard_10"] | {"gradients": FEW},
            SHORT: settings[SHORT] | {"gradients": FEW},
            LONG: settings[LONG] | {"gradients": MANY},
        },
        "recurrent": {"l2o_dm": {"hidden": 2}, "l2o_pgd": {"hidden": 2}},
        "presets>smoke>samples": {"train": 8, "validation": 4, "test": 6},
        "presets>smoke>victims>robust>steps": 4,
        "presets>smoke>meta_training>unroll": FEW,
        "presets>smoke>meta_training>horizons": [FEW],
        "grid>pgd": {"rate": [0.01, 0.2]},
        "grid>pgd_falling": {"rate": [0.1, 0.3], "fall": [2]},
        "begin>l2o_pgd": {"rate": [0.1, 0.3], "fall": [2]},
        "grid>momentum_pgd": {"rate": [0.1]},
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    return make_folder(tmp_path_factory.mktemp("attack"), "attack", changes)


@pytest.fixture
def attack(folder, monkeypatch) -> AdversarialAttack:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("L2O_IMAGE_MIRROR", str(folder / "mirror"))
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return AdversarialAttack("smoke")


def test_the_classifier_is_the_same_twice_and_its_accuracy_is_recorded(attack):
    job = made(attack.train(SHORT, VICTIM))
    assert bytes_again(job, "checkpoint", "history") == {"checkpoint": True, "history": True}
    tensors, record = load_tensors(job.writes["checkpoint"])
    assert sum(tensor.numel() for tensor in tensors.values()) == 166_406
    assert 0 <= record["test_accuracy"] <= 1 and record["victim"] == "robust"
    history = pd.read_csv(job.writes["history"])
    assert history["step"].iloc[-1] == 4 and history["radius"].iloc[-1] == pytest.approx(0.3)


@pytest.mark.parametrize("method", ["auto_pgd", "l2o_pgd"])
def test_jobs_are_the_same_twice(attack, method):
    job = made(attack.evaluate(SHORT, method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    if method == "l2o_pgd":
        assert all(bytes_again(attack.train(SHORT, method), "checkpoint", "history").values())


def test_images_are_attacked_in_groups_to_the_same_losses(attack, monkeypatch):
    job = made(attack.evaluate(SHORT, "l2o_pgd"))
    whole = {role: pd.read_csv(job.writes[role]) for role in ("curves", "runs")}
    seen, groups = attacks._seen, []
    monkeypatch.setattr(attacks, "TOGETHER", 4)
    monkeypatch.setattr(attacks, "_seen", lambda *given: groups.append(1) or seen(*given))
    again = attack.evaluate(SHORT, "l2o_pgd")
    for role in whole:
        again.writes[role].unlink()
    made(again)
    assert len(groups) == 2  # of six images
    for role, before in whole.items():
        pd.testing.assert_frame_equal(pd.read_csv(again.writes[role]), before, rtol=1e-4)


def test_all_attacks_get_as_many_gradients_and_all_but_one_start_alike(attack):
    tables = {
        name: pd.read_csv(made(attack.evaluate(SHORT, name)).writes["curves"])
        for name in attack.contestants
    }
    assert {rows["evaluations"].iloc[-1] for rows in tables.values()} == {FEW}
    starts = {name: rows["loss"].iloc[0] for name, rows in tables.items()}
    assert len({*starts.values()}) == 2  # FGSM begins at the image
    assert tables["fgsm"]["loss"].iloc[1:].nunique() == 1
    assert len({value for name, value in starts.items() if name != "fgsm"}) == 1
    for rows in tables.values():
        assert (rows["loss_q25"] <= rows["loss_median"]).all()
        assert (rows["loss_median"] <= rows["loss_q75"]).all() and (rows["loss"] > 0).all()
        assert rows["accuracy"].between(0, 1).all()
    ends = pd.read_csv(attack.evaluate(SHORT, "pgd").writes["runs"])["end"]
    assert ends.mean() == pytest.approx(tables["pgd"]["loss"].iloc[-1], rel=1e-9)


def test_settings_share_the_classifier_and_learned_attacks_and_search_for_themselves(attack):
    for role, method in (("checkpoint", "l2o_dm"), (VICTIM, "pgd")):
        short, long = (attack.evaluate(name, method) for name in (SHORT, LONG))
        assert short.reads[role].job is long.reads[role].job
    assert attack.tune(SHORT, "pgd") is not attack.tune(LONG, "pgd")
    trained = [job.wildcards for job in attack.jobs() if job.kind == "train"]
    assert [where for where in trained if where["setting"] == LONG] == []
    assert len([where for where in trained if where["method"] == VICTIM]) == 2


def test_a_learned_attack_begins_as_what_the_search_found_and_ends_no_worse(attack):
    search, training = attack.tune(SHORT, "l2o_pgd"), made(attack.train(SHORT, "l2o_pgd"))
    assert attack.tune(LONG, "l2o_pgd") is None
    assert training.reads["start"].job is search
    rows = pd.read_csv(search.writes["tuned"]).set_index("chosen")
    best = json.loads(rows.loc[True, "hyperparameters"])
    trained = load_recurrent(training.writes["checkpoint"])
    assert trained.hyper["rate"] == best["rate"] and trained.hyper["steps"] == FEW
    assert "start" not in attack.train(SHORT, "l2o_dm").reads
    history = pd.read_csv(training.writes["history"])["validation_loss"]
    # The validation of a training starts elsewhere than a search.
    assert history.min() <= rows.loc[True, "loss"] + 0.2
    before = pd.read_csv(made(attack.measure("untrained")).writes["table"])
    before = before.set_index(["setting", "method"])
    begun = before.loc[(SHORT, "l2o_pgd"), "loss"]
    contained = pd.read_csv(made(attack.evaluate(SHORT, "pgd_falling")).writes["finals"])["loss"]
    assert begun == pytest.approx(contained.iloc[0], rel=1e-4)
    assert {*before.index.get_level_values("setting")} == {"standard_10", SHORT}


def test_figure_and_table_are_the_same_twice_and_hold_learned_attacks_against_pgd(attack):
    figure, table = made(attack.figure(attack.report_name)), made(attack.table())
    assert all(bytes_again(figure, "pdf", "png").values())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    assert f"with {FEW} gradients" in text and f"with {MANY}" in text
    assert "As training begins → trained" in text and "Above PGD" in text
    rows = pd.read_csv(table.writes["csv"]).set_index(["setting", "method"])
    runs = pd.read_csv(made(attack.tables()["runs"]).writes["table"])
    ends = runs[runs["setting"] == SHORT].pivot(index="instance", columns="method", values="end")
    more = ends["l2o_dm"] - ends["pgd"]
    row = rows.loc[(SHORT, "l2o_dm")]
    assert row["above"] == pytest.approx(more.mean(), rel=1e-4, abs=1e-6)
    assert row["below"] == pytest.approx((more < -1e-3).mean(), rel=1e-4)
    assert np.isnan(rows.loc[(SHORT, "pgd"), "above"])
    metrics = json.loads(table.writes["metrics"].read_text())
    assert metrics["contests"] == 2 * len(attack.settings)
    assert 0 <= metrics[SHORT]["l2o_pgd_accuracy"] <= 1


def test_some_attacks_alone_without_pgd_are_a_report_too(attack):
    alone = AdversarialAttack("smoke", ["fgsm"])
    text = made(alone.table()).writes["markdown"].read_text()
    assert "FGSM" in text and "Above PGD" not in text


def test_rows_of_losses_are_turned_round():
    row = {"loss": -3.0, "loss_q25": -5.0, "loss_q75": -1.0, "loss_p99": 0.0, "runs": 7}
    assert as_losses(row) == {
        "runs": 7,
        "loss": 3.0,
        "loss_q75": 5.0,
        "loss_q25": 1.0,
        "loss_p1": 0.0,
    }


def test_parts_of_the_digits_do_not_meet(attack):
    path = made(attack.train(SHORT, VICTIM)).reads["digits"].path
    samples = {"train": 8, "validation": 4, "test": 6}
    parts = {name: digits_of(path, samples, name) for name in (VICTIM, "train", "validation")}
    assert [len(part) for part in parts.values()] == [288, 8, 4]
    whole = np.concatenate([part.images.numpy() for part in parts.values()])
    assert len(np.unique(whole, axis=0)) == 300
    assert len(digits_of(path, samples, "test")) == 6
    with pytest.raises(InputError, match="lower `samples` of the preset"):
        digits_of(path, samples | {"train": 300}, "train")


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", "robust_40", "trained_on"), "robust_4", "trained_on.robust_4: unknown key"),
        (("settings", "robust_40", "trained_on"), "standard_10", "is about the standard"),
        (("settings", "robust_40", "targets"), [0.1], "an attack goes up"),
        (("begin",), {"l2o": {"rate": [1], "fall": [1]}}, "begin.l2o: unknown key"),
        (("begin", "l2o_pgd", "rate"), [], "begin.l2o_pgd.rate: "),
        (("presets", "smoke", "meta_training", "convex"), 1, "is not for attacks"),
        (("eps",), 2, "eps: "),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("adversarial_attack")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("adversarial_attack", content)


def test_where_nothing_is_learned_nothing_is_measured():
    alone = room("adversarial_attack", None, "smoke", ["pgd", "fgsm"])
    assert "untrained" not in alone.tables()
