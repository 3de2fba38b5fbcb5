"""Evaluation on the training of networks: runs as one batch, rows, and what lengths come to."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from l2o.evaluation import networks as ev
from l2o.evaluation.grid_search import grid_search
from l2o.evaluation.runs import Contestant, failures
from l2o.evaluation.unroll_lengths import length_row
from l2o.optimizees.network_training import Digits, NetworkTrainingFamily, evaluated
from l2o.optimizees.networks import NETWORKS, initial
from l2o.optimizers.first_order.gd import Gd
from l2o.optimizers.first_order.sgd import Sgd
from l2o.optimizers.recurrent.blocks import in_blocks
from l2o.optimizers.registry import methods
from small_digits import make_digits

WHO = Contestant("x", "recurrent", "X", shift=1)
RULES = ("celo2_like", "small_fc_lopt", "mlp_optimizer")
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
@pytest.mark.parametrize(
    "name",
    [
        *("sgd", "adam", "rmsprop", "sgd_nesterov", "adam_cosine", "adamw"),
        *("power_sign", "add_sign"),
        *("l2o_dm", "l2o_rnnprop", "l2o_scale", *RULES),
    ],
)
def test_a_run_in_the_batch_is_the_run_alone(digits, network, name):
    """To the bit, but for networks as optimizers: theirs round the last coordinates otherwise."""
    runs, starts, recorded = family(digits, network), initial(NETWORKS[network], 3, 1), [0, 1, 4]
    together = ev.followed(made(name), runs.batch(torch.arange(3)), starts, recorded, digits)
    assert together.losses.shape == (3, 3) and together.seconds > 0
    rounding = {"l2o_dm": 1e-7, "l2o_rnnprop": 1e-7, "l2o_scale": 1e-5}  # differs by machine
    rounding |= dict.fromkeys(RULES, 1e-5)
    exact = {"rtol": 0, "atol": rounding.get(name, 0.0)}
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
    assert (row["runs"], row["failed"]) == (3, 3)
    values = [v for name, v in row.items() if name.startswith(("training", "test"))]
    assert len(values) == 6 and all(math.isnan(value) for value in values)
    assert row["loss"] == row["loss_median"] == row["loss_p99"] == math.inf
    rows = ev.curve_rows(WHO, [0, 3, 5, 9], found.losses)
    assert {row["status"] for row in rows} == {"diverged"}
    assert rows[0]["loss"] == found.losses[0].mean() and rows[3]["loss"] == math.inf
    assert rows[3]["loss_q25"] == rows[3]["loss_median"] == rows[3]["loss_q75"] == math.inf


def test_final_values_are_of_the_runs_that_are_finite(digits):
    x = initial(NETWORKS["mlp_relu"], 3, 1)
    x[1, 7] = math.nan
    losses = np.array([[2.3, 2.3, 2.3], [2.2, np.inf, 2.4]])  # the last one ended above its start
    row = ev.final_row(WHO, "mlp_relu", ev.Runs(losses, x, 1.0), digits, ev.monitored(digits, 5))
    assert (row["runs"], row["failed"]) == (3, 2)
    train, _ = evaluated(NETWORKS["mlp_relu"], x[[0, 2]], digits)
    loss, accuracy = evaluated(NETWORKS["mlp_relu"], x[[0, 2]], ev.monitored(digits, 5))
    assert row["training_loss"] == train.mean().item()
    assert row["training_loss_std"] == train.std().item()
    assert (row["test_loss"], row["test_accuracy"]) == (loss.mean().item(), accuracy.mean().item())
    one = ev.Runs(losses[:, :1], x[:1], 1.0)
    row = ev.final_row(WHO, "mlp_relu", one, digits, digits)
    assert (row["runs"], row["failed"]) == (1, 0)
    assert row["test_loss"] > 0 and math.isnan(row["test_loss_std"])


def test_rows_give_means_extremes_and_spread():
    losses = np.array([[2.0, 4.0], [1.0, 3.0]])
    first, last = ev.curve_rows(WHO, [0, 7], losses)
    assert (first["iteration"], last["iteration"], last["shift"]) == (0, 7, 1)
    assert (last["loss"], last["loss_low"], last["loss_high"]) == (2.0, 1.0, 3.0)
    assert last["loss_std"] == pytest.approx(math.sqrt(2)) and last["status"] == "converged"
    assert (last["loss_q25"], last["loss_median"], last["loss_q75"]) == (1.5, 2.0, 2.5)
    assert math.isnan(ev.curve_rows(WHO, [0, 7], losses[:, :1])[0]["loss_std"])


def test_runs_that_are_lost_leave_the_quartiles_of_the_others():
    losses = np.array([[3.0, 1.0, np.inf, 2.0, np.inf], [np.inf, 1.0, np.inf, 2.0, np.nan]])
    few, most = ev.curve_rows(WHO, [0, 1], losses)
    assert [few[name] for name in ev.QUARTILES] == [2.0, 3.0, math.inf]
    assert [most[name] for name in ev.QUARTILES] == [2.0, math.inf, math.inf]


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
    found = failures(losses)
    assert (found["runs"], found["failed"]) == (2, sum(which))
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


def test_a_search_takes_the_lowest_loss_after_the_last_iteration(digits):
    runs, starts = family(digits, runs=2), initial(NETWORKS["mlp_relu"], 2, 1)

    def loss(hyper: dict[str, float]) -> float:
        return ev.last_loss(Sgd(hyper), runs, starts, 8, digits)

    rows = grid_search({}, {"rate": [ABSURD, 0.3, 0.3]}, loss)
    assert [row["chosen"] for row in rows] == [False, True, False]  # of equal ones the first
    assert rows[0]["loss"] == math.inf and rows[1]["loss"] == rows[2]["loss"] < rows[0]["loss"]
    assert json.loads(rows[1]["hyperparameters"]) == {"rate": 0.3}
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
    states = ["ok"] * 19 + ["diverged"]
    columns = ("meta_loss", "validation_loss", "status")
    history = [
        dict(zip(columns, row, strict=True)) for row in zip(losses, validation, states, strict=True)
    ]
    row = length_row(history, 20, 200)
    assert row == {
        **{"unroll": 20, "horizon": 200, "epochs": 20, "meta_steps": 190},
        **{"first_meta_loss": 8.0, "last_meta_loss": 1.0},
        **{"last_meta_loss_low": 1.0, "last_meta_loss_high": 1.0},
        **{"validation_loss": 3.0, "diverged_epochs": 1},
    }
    nowhere = length_row(
        [row | {"meta_loss": np.nan, "status": "diverged"} for row in history], 20, 200
    )
    assert math.isnan(nowhere["last_meta_loss"]) and nowhere["diverged_epochs"] == 20
