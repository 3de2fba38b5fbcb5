"""LASSO with an A for each instance at a tiny size: equal bytes, shared nets, what tables tell."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from every_room import content_of, fault, room
from l2o.experiments.fresh_lasso.experiment import FreshLasso
from l2o.optimizees.lasso_optimum import relative_gap
from l2o.storage.array_sets import read_arrays
from small_network_jobs import bytes_again, made, make_folder

HOME, PATCHES = "m250_n500", "pictures"
LEARNED = ("l2o_dm", "math_l2o", "learned_km")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    content = content_of("fresh_lasso")
    changes = {
        "settings": {name: content["settings"][name] for name in (HOME, PATCHES)},
        "recurrent": {"l2o_dm": {"hidden": 2}},
        "learned_proximal": {name: {"hidden": 3} for name in LEARNED[1:]},
        "grid": {"adam": {"rate": [0.01, 0.1]}},
        "iterations": 60,
        "safeguards>settings": [PATCHES],
        "presets>smoke>left_out": [],
        "presets>smoke>sizes": {HOME: [10, 20], PATCHES: [16, 24]},
    }
    for preset in ("laptop", "paper"):
        changes[f"presets>{preset}"] = None
    del content["presets"]["smoke"]["meta_overrides"]["l2o_enhanced"]
    changes["presets>smoke>meta_overrides"] = content["presets"]["smoke"]["meta_overrides"]
    return make_folder(tmp_path_factory.mktemp("fresh_lasso"), "fresh_lasso", changes)


@pytest.fixture
def fresh(folder, monkeypatch) -> FreshLasso:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    return FreshLasso("smoke")


def test_sets_are_the_same_twice_and_their_optima_are_certified(fresh):
    for setting, splits in ((HOME, ("train", "validation", "test")), (PATCHES, ("test",))):
        job = made(fresh.sample(setting))
        assert bytes_again(job, "set") == {"set": True}
        with h5py.File(job.writes["set"]) as file:
            assert file.attrs["largest_relative_gap"] <= 1e-10
            assert ("train" in file) == (setting == HOME)
        lam = fresh.parameters.settings[setting].lam
        for split in splits:
            arrays = read_arrays(job.writes["set"], split)
            assert arrays["A"].shape[1:] == fresh.sizes.sizes[setting]
            assert np.linalg.norm(arrays["A"], axis=1) == pytest.approx(1.0)
            zero = np.zeros(arrays["A"].shape[2])
            for A, b, optimum in zip(arrays["A"], arrays["b"], arrays["optimum"], strict=True):
                value = 0.5 * b @ b
                assert 0 < optimum < value  # x = 0 is no minimiser
                assert relative_gap(A, b[None], lam, zero[None])[0] > 0
        if setting == PATCHES:
            assert arrays["b"].mean(axis=1) == pytest.approx(0.0, abs=1e-12)
            assert (np.ptp(arrays["b"], axis=1) < 1).all()
            assert np.median(np.ptp(arrays["b"], axis=1)) > 0.95
        alike = np.ptp(arrays["A"], axis=0).max() == 0
        assert alike == (setting == PATCHES)


@pytest.mark.parametrize("method", ["fista", "adam", *LEARNED])
def test_jobs_are_the_same_twice(fresh, method):
    job = made(fresh.evaluate(PATCHES, method))
    assert all(bytes_again(job, "curves", "finals", "runs").values())
    if method in LEARNED:
        training = fresh.train(HOME, method)
        assert all(bytes_again(training, "checkpoint", "history").values())
        assert job.reads["checkpoint"].job is training  # patches are out of distribution
    curves = pd.read_csv(job.writes["curves"])
    assert curves["iteration"].iloc[[0, -1]].tolist() == [0, 60]
    assert (curves["median"] >= -1e-12).all()
    if method == "fista":
        assert curves["median"].iloc[-1] < 1e-2 * curves["median"].iloc[0]


def test_only_gaussian_settings_are_trained_on(fresh):
    trained = {job.wildcards["setting"] for job in fresh.jobs() if job.kind == "train"}
    assert trained == {HOME}
    whole = room("fresh_lasso", None, "laptop")
    assert whole.parameters.training_settings == [HOME, "m25_n50"]
    assert {job.wildcards["setting"] for job in whole.jobs() if job.kind == "tune"} == {
        *whole.settings
    }


def test_safeguards_tell_values_fallbacks_and_costs(fresh):
    rows = pd.read_csv(made(fresh.measure("safeguards")).writes["table"])
    assert {*rows["method"]} == {*LEARNED, "ista"} and {*rows["setting"]} == {PATCHES}
    for _, own in rows.groupby("method"):
        own = own.set_index("variant")
        assert [*own.index] == ["main", "monotone", "geometric", "recent", "average"]
        assert own.loc["main", "fallbacks"] == 0 and (own["seconds"] > 0).all()
        assert ((own["fallbacks"] >= 0) & (own["fallbacks"] <= own["iteration"])).all()
        # A gradient and two values more, or one or two gradients more.
        steps = own.loc["main", "iteration"]
        more = (own["evaluations"] - own.loc["main", "evaluations"]) / steps
        assert more["monotone"] == pytest.approx(3, abs=0.2)
        assert more[["geometric", "recent", "average"]].between(1, 2.2).all()
        assert own.loc["monotone", "failed"] == 0
    none = rows[rows["method"] == "ista"].set_index("variant")["relative_loss"]
    assert none["monotone"] < none["main"]
    assert none[["geometric", "recent", "average"]].to_numpy() == pytest.approx(none["main"])


def test_untrained_methods_take_the_steps_of_a_constant_momentum(fresh):
    rows = pd.read_csv(made(fresh.measure("untrained")).writes["table"])
    assert {*rows["method"]} == {*fresh.parameters.learned_proximal}
    assert {*rows["setting"]} == {*fresh.settings}
    memory = fresh.train(HOME, "math_l2o").parameters["meta_training"]["start"]["memory"]
    for setting in fresh.settings:
        arrays = read_arrays(made(fresh.sample(setting)).writes["set"], "test")
        A, b, lam, L = (arrays[name] for name in ("A", "b", "lam", "lipschitz"))
        z = x = np.zeros((len(A), A.shape[2]))
        step = 0.9999 / L
        for _ in range(fresh.parameters.iterations):
            v = x - step * np.einsum("bm,bmn->bn", np.einsum("bmn,bn->bm", A, x) - b, A)
            new = np.sign(v) * np.maximum(np.abs(v) - step * lam, 0)
            z, x = new, new + (1 - 2 / memory) * (new - z)
        value = 0.5 * ((np.einsum("bmn,bn->bm", A, z) - b) ** 2).sum(1)
        value += lam[:, 0] * np.abs(z).sum(1)
        excess = (value - arrays["optimum"]).mean() / arrays["optimum"].mean()
        own = rows[(rows["setting"] == setting) & (rows["method"] == "math_l2o")]
        assert own["relative_loss"].item() == pytest.approx(excess, rel=1e-6, abs=1e-12)
        assert (own["iteration_1"] <= own["iteration_2"]).all()


def test_figures_and_table_tell_iterations_seconds_and_safeguards(fresh):
    assert all(bytes_again(made(fresh.figure("fresh_lasso")), "pdf", "png").values())
    table = made(fresh.table())
    assert all(bytes_again(table, "csv", "markdown", "metrics").values())
    text = table.writes["markdown"].read_text()
    for words in ("| method | to 0.001 | to 1e-06 | an iteration |", "Safe-L2O, recent term"):
        assert words in text
    for title in fresh.titles().values():
        assert title in text
    numbers = json.loads(table.writes["metrics"].read_text())
    assert numbers[HOME]["fista_relative_loss"] < numbers[HOME]["ista_relative_loss"]


def test_classical_methods_alone_are_a_report_too(fresh):
    alone = FreshLasso("smoke", ["ista", "fista"])
    text = made(alone.table()).writes["markdown"].read_text()
    assert "FISTA" in text and "Safe-L2O" not in text


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("settings", "m25_n50", "density"), None, "m25_n50.density: is missing"),
        (("settings", PATCHES, "density"), 0.1, "pictures.density: is for gaussian signals"),
        (("settings", PATCHES, "trained_on"), "m25", "trained_on.m25: unknown key"),
        (("settings", PATCHES, "trained_on"), None, "is missing, and nothing is trained on"),
        (("settings", "m25_n50", "density"), 0.01, "none of 16 entries is a non-zero"),
        (("settings", "m25_n50", "law"), "uniform", "'gaussian' or 'patches'"),
        (("safeguards", "settings"), ["picture"], "safeguards.settings.picture: unknown key"),
        (("safeguards", "alpha"), 1, "less than 1"),
        (("classical", "ista"), {"frobenius": 1}, "ista.frobenius: unknown key; drop it"),
        (("presets", "smoke", "sizes", PATCHES), [15, 24], "15 pixels are no square patch"),
        (
            ("presets", "smoke", "meta_overrides"),
            {"math_l2o": {"loss": "objective"}},
            "is not for math_l2o, which sees f in its parts",
        ),
        (("presets", "smoke", "meta_training", "scaling"), 1, "set it to 0 there"),
    ],
)
def test_what_makes_no_sense_is_told(place, value, told):
    content = content_of("fresh_lasso")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    assert told in fault("fresh_lasso", content)
