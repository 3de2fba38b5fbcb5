"""Evaluation on the training of networks: runs as one batch, blocks of coordinates, rows, files."""

from __future__ import annotations

import copy
import json
import math

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from conftest import told
from l2o.errors import InputError
from l2o.evaluation import networks as ev
from l2o.evaluation.runs import Contestant
from l2o.evaluation.unroll_lengths import length_row
from l2o.optimizees.network_training import Digits, NetworkTrainingFamily, evaluated
from l2o.optimizees.networks import NETWORKS, initial
from l2o.optimizers.first_order.gd import Gd
from l2o.optimizers.first_order.sgd import Sgd
from l2o.optimizers.recurrent.blocks import BLOCK, BlockwiseLstm, in_blocks
from l2o.optimizers.registry import methods
from l2o.storage.digit_sets import read_digits, read_starts, write_digits, write_starts
from small_digits import make_digits

WHO = Contestant("x", "recurrent", "X", shift=1)
ABSURD = 1e30  # a rate after which no parameter is a finite number


@pytest.fixture(scope="module")
def digits() -> Digits:
    images, labels = make_digits({"train": 40, "test": 20})["train"]
    pixels = torch.from_numpy(images.reshape(-1, 784).astype(np.float32) / 255)
    return Digits(pixels, torch.from_numpy(labels.astype(np.int64)))


def family(digits: Digits, network: str = "mlp_relu", runs: int = 3) -> NetworkTrainingFamily:
    return NetworkTrainingFamily(NETWORKS[network], digits, runs, 5, "test", 16)


def made(name: str) -> object:
    """An optimizer with random weights, as an evaluation uses it."""
    if name in methods("first_order"):
        return methods("first_order")[name].load()({})
    drawn = torch.Generator().manual_seed(3)
    return in_blocks(methods("recurrent")[name].load()({}, drawn).requires_grad_(False))


@pytest.mark.parametrize("network", ["mlp_relu", "convnet"])
@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "l2o_dm", "l2o_rnnprop", "l2o_scale"])
def test_a_run_in_the_batch_is_the_run_alone(digits, network, name):
    """To the bit, but for networks as optimizers: theirs round the last coordinates otherwise."""
    runs, starts, recorded = family(digits, network), initial(NETWORKS[network], 3, 1), [0, 1, 4]
    together = ev.followed(made(name), runs.batch(torch.arange(3)), starts, recorded, digits)
    assert together.losses.shape == (3, 3) and together.seconds > 0
    exact = {"rtol": 0, "atol": 0} if name in methods("first_order") else {"rtol": 0, "atol": 1e-7}
    for run in range(3):
        alone = runs.batch(torch.tensor([run]))
        found = ev.followed(made(name), alone, starts[[run]], recorded, digits)
        assert torch.allclose(found.x[0], together.x[run], **exact)
        np.testing.assert_allclose(found.losses[:, 0], together.losses[:, run], **exact)
    assert (together.losses[-1] != together.losses[0]).all()


def test_losses_are_those_of_the_recorded_points(digits):
    runs, starts = family(digits, runs=1), initial(NETWORKS["mlp_relu"], 1, 1)
    seen = ev.monitored(digits, 10)
    assert len(seen) == 10 and torch.equal(seen.images, digits.images[:10])
    found = ev.followed(Sgd({"rate": 0.1}), runs.batch(torch.arange(1)), starts, [0, 2], seen)
    x, training = starts, runs.batch(torch.arange(1))
    for _ in range(2):
        x = x - 0.1 * training.gradient(x)
    assert torch.equal(found.x, x)
    expected = [evaluated(NETWORKS["mlp_relu"], point, seen)[0].item() for point in (starts, x)]
    assert found.losses[:, 0].tolist() == expected


def test_sgd_is_gradient_descent_on_minibatches(digits):
    assert issubclass(Sgd, Gd) and Sgd({}).hyper["rate"] == Sgd.hyperparameters["rate"] == 0.1


@pytest.mark.parametrize("network", ["mlp_relu", "convnet"])
def test_diverged_runs_are_infinite_and_counted(digits, network):
    runs, starts = family(digits, network), initial(NETWORKS[network], 3, 1)
    training = runs.batch(torch.arange(3))
    found = ev.followed(Sgd({"rate": ABSURD}), training, starts, [0, 3, 5, 9], digits)
    assert np.isfinite(found.losses[0]).all() and np.isinf(found.losses[1:]).all()
    assert training.position < 9  # none is left: the rest is not run
    row = ev.final_row(WHO, network, found, digits, digits)
    assert (row["runs"], row["diverged"]) == (3, 3)
    values = [value for name, value in row.items() if "loss" in name or "accuracy" in name]
    assert len(values) == 6 and all(math.isnan(value) for value in values)
    rows = ev.curve_rows(WHO, [0, 3, 5, 9], found.losses)
    assert {row["status"] for row in rows} == {"diverged"}
    assert rows[0]["loss"] == found.losses[0].mean() and rows[3]["loss"] == math.inf


def test_final_values_are_of_the_runs_that_are_finite(digits):
    x = initial(NETWORKS["mlp_relu"], 3, 1)
    x[1, 7] = math.nan
    losses = np.array([[2.3, 2.3, 2.3], [2.2, np.inf, 2.4]])  # the last one ended above its start
    row = ev.final_row(WHO, "mlp_relu", ev.Runs(losses, x, 1.0), digits, ev.monitored(digits, 5))
    assert (row["runs"], row["diverged"]) == (3, 2)
    train, _ = evaluated(NETWORKS["mlp_relu"], x[[0, 2]], digits)
    loss, accuracy = evaluated(NETWORKS["mlp_relu"], x[[0, 2]], ev.monitored(digits, 5))
    assert row["training_loss"] == train.mean().item()
    assert row["training_loss_std"] == train.std().item()
    assert (row["test_loss"], row["test_accuracy"]) == (loss.mean().item(), accuracy.mean().item())
    one = ev.Runs(losses[:, :1], x[:1], 1.0)
    row = ev.final_row(WHO, "mlp_relu", one, digits, digits)
    assert (row["runs"], row["diverged"]) == (1, 0)
    assert row["test_loss"] > 0 and math.isnan(row["test_loss_std"])


def test_rows_give_means_extremes_and_spread():
    losses = np.array([[2.0, 4.0], [1.0, 3.0]])
    first, last = ev.curve_rows(WHO, [0, 7], losses)
    assert (first["iteration"], last["iteration"], last["shift"]) == (0, 7, 1)
    assert (last["loss"], last["loss_low"], last["loss_high"]) == (2.0, 1.0, 3.0)
    assert last["loss_std"] == pytest.approx(math.sqrt(2)) and last["status"] == "converged"
    assert math.isnan(ev.curve_rows(WHO, [0, 7], losses[:, :1])[0]["loss_std"])


@pytest.mark.parametrize(
    ("end", "which", "status"),
    [
        ([1.0, np.inf], [False, True], "diverged"),
        ([1.0, np.nan], [False, True], "diverged"),
        ([9.0, 3.0], [True, False], "diverged"),
        ([2.5, 3.0], [True, False], "converged"),  # their mean is below that of the starts
    ],
)
def test_a_run_that_ends_above_its_start_or_nowhere_has_diverged(end, which, status):
    losses = np.array([[2.0, 4.0], end])
    assert ev.lost(losses).tolist() == which
    assert {row["status"] for row in ev.curve_rows(WHO, [0, 1], losses)} == {status}


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (100, [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100]),
        (230, [*(0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70), 100, 200, 230]),
    ],
)
def test_a_few_early_iterations_are_recorded_then_every_hundredth_and_the_last(total, expected):
    assert ev.recorded_iterations(total) == expected


def test_the_published_iterations_are_recorded():
    assert {*range(0, 10_001, 100)} <= {*ev.recorded_iterations(10_000)}


def test_a_grid_is_searched_whole_and_methods_without_one_are_run_once(digits):
    runs, starts = family(digits, runs=2), initial(NETWORKS["mlp_relu"], 2, 1)
    fixed = {"sgd": {}, "adam": {"beta1": 0.8}, "rmsprop": {"rate": 0.001}}
    grids = {"sgd": {"rate": [ABSURD, 0.3, 0.3]}, "adam": {"rate": [1e-9, 0.01]}}
    rows = [*ev.rate_search(runs, starts, 8, digits, fixed, grids)]
    assert [(row["method"], row["chosen"]) for row in rows] == [
        *(("sgd", False), ("sgd", True), ("sgd", False)),  # of equal ones the first
        *(("adam", False), ("adam", True)),
        ("rmsprop", True),
    ]
    assert rows[0]["loss"] == math.inf and rows[1]["loss"] == rows[2]["loss"] < rows[0]["loss"]
    assert json.loads(rows[4]["hyperparameters"]) == {"beta1": 0.8, "rate": 0.01}
    again = ev.followed(Sgd({"rate": 0.3}), runs.batch(torch.arange(2)), starts, [8], digits)
    assert rows[1]["loss"] == again.losses.mean()


def test_a_step_is_timed_beside_adam(digits):
    ours, adam = ev.seconds_per_step(
        made("l2o_scale"), family(digits, runs=1), initial(NETWORKS["mlp_relu"], 1, 1)
    )
    assert ours > adam > 0


def test_lengths_are_summed_up_over_the_first_and_the_last_tenth():
    losses = [9.0, 7.0, *[5.0] * 16, 1.0, np.nan]
    validation = [np.nan] * 9 + [3.0] + [np.nan] * 9 + [4.0]
    history = pd.DataFrame({"meta_loss": losses, "validation_loss": validation})
    history["status"] = ["ok"] * 19 + ["diverged"]
    row = length_row(history, 20, 200)
    assert row == {
        **{"unroll": 20, "horizon": 200, "epochs": 20, "meta_steps": 190},
        **{"first_meta_loss": 8.0, "last_meta_loss": 1.0},
        **{"last_meta_loss_low": 1.0, "last_meta_loss_high": 1.0},
        **{"validation_loss": 3.0, "diverged_epochs": 1},
    }
    nowhere = length_row(history.assign(meta_loss=np.nan, status="diverged"), 20, 200)
    assert math.isnan(nowhere["last_meta_loss"]) and nowhere["diverged_epochs"] == 20


# Blocks of coordinates


@pytest.mark.parametrize("name", ["l2o_dm", "l2o_rnnprop"])
@pytest.mark.parametrize("runs", [1, 2])
def test_blocks_give_the_bits_of_one_pass(digits, name, runs):
    plain = methods("recurrent")[name].load()({}, torch.Generator().manual_seed(3))
    pair = plain.requires_grad_(False), in_blocks(copy.deepcopy(plain))
    assert [isinstance(each.lstm, BlockwiseLstm) for each in pair] == [False, True]
    x = initial(NETWORKS["mlp_relu"], runs, 1)
    assert x.numel() > BLOCK and x.numel() % BLOCK
    trainings = [family(digits, runs=runs).batch(torch.arange(runs)) for _ in pair]
    states = [each.init(training, x) for each, training in zip(pair, trainings, strict=True)]
    for _ in range(6):
        given = zip(pair, trainings, states, strict=True)
        states = [each.step(training, state) for each, training, state in given]
        assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    assert not torch.equal(states[0][0], x)


@pytest.mark.parametrize(
    ("block", "exact"), [(1000, True), (128, True), (1001, True), (333, False)]
)
def test_blocks_of_any_width_give_what_one_pass_gives(block, exact):
    """To the bit, unless a block has a few columns only: those of 333 end with one."""
    drawn = torch.Generator().manual_seed(3)
    lstm = methods("recurrent")["l2o_dm"].load()({}, drawn).requires_grad_(False).lstm
    blocks = BlockwiseLstm(copy.deepcopy(lstm), block)
    close = {"rtol": 0, "atol": 0.0 if exact else 1e-6}
    for coordinates in (1000, 300, 1000):  # another network in between
        features = torch.randn(lstm.features, coordinates, generator=drawn)
        states = [each.init(coordinates, features) for each in (lstm, blocks)]
        for _ in range(4):
            (one, first), (many, second) = (
                each(features, state) for each, state in zip((lstm, blocks), states, strict=True)
            )
            assert torch.allclose(one, many, **close)
            assert all(torch.allclose(a, b, **close) for a, b in zip(first, second, strict=True))
            states = [first, second]


def test_what_is_not_coordinate_wise_is_left_as_it_is():
    drawn = torch.Generator().manual_seed(3)
    optimizer = methods("recurrent")["l2o_scale"].load()({}, drawn)
    modules = [*optimizer.modules()]
    assert [*in_blocks(optimizer).modules()] == modules


# Stored digits and starts


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "digits.h5"
    splits = make_digits()
    flat = {name: (images.reshape(-1, 784), labels) for name, (images, labels) in splits.items()}
    write_digits(path, flat, {"source": "random"})
    return path


def test_digits_come_back_as_ink_from_0_to_1(stored):
    images, labels = read_digits(stored, "test")
    expected = make_digits()["test"]
    assert images.dtype == np.float32 and labels.dtype == np.int64
    assert np.array_equal(images * 255, expected[0].reshape(-1, 784))
    assert np.array_equal(labels, expected[1])
    loaded = ev.load_digits(stored, "test")
    assert loaded.source == str(stored) and len(loaded) == len(labels)


def replaced(path, place: str, values) -> None:
    with h5py.File(path, "r+") as file:
        del file[place]
        if values is not None:
            file[place] = values


@pytest.mark.parametrize(
    ("place", "values", "told_of"),
    [
        ("train/images", None, "train/images: this dataset is missing"),
        ("train/labels", None, "train/labels: this dataset is missing"),
        ("train", None, "train/images: this dataset is missing"),
        ("train/labels", np.zeros(7), "train/labels: this dataset is missing or of another type"),
        ("train/labels", np.zeros(7, "i8"), "train/labels: this dataset is missing or of another"),
        ("train/labels", np.zeros(6, "u1"), "(7, 784) and labels (6,) do not fit each other"),
        ("train/labels", np.uint8(3), "(7, 784) and labels () do not fit each other"),
        ("train/images", np.uint8(3), "images () and labels (7,) do not fit each other"),
        ("train/images", np.zeros((7, 28, 28), "u1"), "(7, 28, 28) and labels (7,) do not fit"),
    ],
)
def test_digits_of_another_form_are_told(stored, place, values, told_of):
    replaced(stored, place, values)
    with pytest.raises(InputError) as error:
        read_digits(stored, "train")
    told(error, stored, told_of)
    assert len(read_digits(stored, "test")[1]) == 3


@pytest.mark.parametrize("kept", [0, 100, 0.3, 0.9, -1])
@pytest.mark.parametrize("kind", ["digits", "starts"])
def test_a_truncated_file_is_told(stored, tmp_path, kept, kind):
    read, path = read_digits, stored
    if kind == "starts":
        read, path = read_starts, tmp_path / "starts.h5"
        write_starts(path, {"train": np.ones((3, 4000), "f4")}, {})
    content = path.read_bytes()
    length = round(kept * len(content)) if isinstance(kept, float) else kept % len(content)
    path.write_bytes(content[:length])
    with pytest.raises(InputError) as error:
        read(path, "train")
    told(error, path, "is truncated or damaged")


def test_damaged_pixels_are_told(stored):
    """In the middle of what is compressed, where the file itself opens."""
    with h5py.File(stored) as file:
        chunk = file["train/images"].id.get_chunk_info(0)
    content = bytearray(stored.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    stored.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_digits(stored, "train")
    told(error, stored, "is truncated or damaged")


@pytest.mark.parametrize(
    ("values", "told_of"),
    [
        (None, "test/starts: this dataset is missing"),
        (np.zeros(7, "f4"), "test/starts: is no matrix of finite numbers: shape (7,)"),
        (np.float32(1), "test/starts: is no matrix of finite numbers: shape ()"),
        (np.full((2, 3), np.nan, "f4"), "test/starts: is no matrix of finite numbers"),
        (np.zeros((2, 3), "i4"), "test/starts: this dataset is missing or of another type"),
    ],
)
def test_starts_of_another_form_are_told(tmp_path, values, told_of):
    path = tmp_path / "starts.h5"
    write_starts(path, {"test": np.ones((2, 3), "f4")}, {})
    assert np.array_equal(read_starts(path, "test"), np.ones((2, 3), np.float32))
    replaced(path, "test/starts", values)
    with pytest.raises(InputError) as error:
        read_starts(path, "test")
    told(error, path, told_of)


def test_no_file_is_told_with_the_command_that_makes_it(tmp_path):
    for read in (read_digits, read_starts):
        with pytest.raises(InputError) as error:
            read(tmp_path / "nothing.h5", "train")
        told(error, tmp_path / "nothing.h5", "no such file", "snakemake")
