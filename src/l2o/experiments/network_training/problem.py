"""The work on the training of networks: starts, rates, meta-trainings, and runs of all methods."""

from __future__ import annotations

from dataclasses import replace

from l2o.artifacts.job import Given
from l2o.storage.tables import write_table
from l2o.variants import MAIN


def sample(given: Given) -> None:
    """Draw the start points of the runs of an evaluation, and store them."""
    from l2o.optimizees.network_runs import drawn_starts
    from l2o.optimizees.networks import START_SCALE
    from l2o.storage.digit_sets import write_starts
    from l2o.storage.hdf5 import provenance_attributes

    p = given.parameters
    x = drawn_starts(p["setting"], p["runs"], p["seed"], "test")
    about = {"network": p["setting"], "standard_deviation": START_SCALE}
    attributes = {**about, **provenance_attributes(given.record)}
    write_starts(given.outputs["set"], {"test": x.numpy()}, attributes)


def train(given: Given) -> None:
    """Meta-train an optimizer on the training of a network, or go on with what is kept."""
    from l2o.optimizees.network_runs import meta_training_runs
    from l2o.training.recurrent import train_recurrent

    p = given.parameters
    how = (p["setting"], p["seed"], p["minibatch"])
    train_recurrent(given, meta_training_runs(given.inputs["digits"], *how), {})


def tune(given: Given) -> None:
    """Try all rates of the grid on runs of their own; write their losses."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import grid_search
    from l2o.evaluation.networks import last_loss
    from l2o.optimizees.network_runs import drawn_starts, load_digits, monitored
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.networks import NETWORKS
    from l2o.optimizers.registry import methods
    from l2o.optimizers.schedules import lasting

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    digits = load_digits(given.inputs["digits"], "train")
    made = methods(p["kind"])[p["method"]].load()
    streams = (p["runs"], p["seed"], "validation")
    family = NetworkTrainingFamily(NETWORKS[p["setting"]], digits, *streams, p["minibatch"])
    starts, seen = drawn_starts(p["setting"], *streams), monitored(digits, p["monitored"])

    def loss(hyper: dict[str, float]) -> float:
        optimizer = lasting(made(hyper), p["iterations"])
        return last_loss(optimizer, family, starts, p["iterations"], seen)

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], p["grid"], loss)
    write_table(given.outputs["tuned"], [about | row for row in rows])


def evaluate(given: Given) -> None:
    """Train a network by a method from all starts; write curves, what it is worth, seconds."""
    import torch

    from l2o.compute import prepare_device
    from l2o.evaluation.networks import TestRuns, entries, seconds_per_step
    from l2o.optimizers.schedules import lasting
    from l2o.storage.digit_sets import read_starts

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    starts = torch.from_numpy(read_starts(given.inputs["set"], "test"))
    tests = TestRuns.read(given.inputs["digits"], p["setting"], starts, p)
    curves, finals, seconds, runs = [], [], [], []
    for entry in entries(p, given.inputs):
        entry = replace(entry, optimizer=lasting(entry.optimizer, p["iterations"]))
        rows, final, taken, each = tests.rows(entry, p["targets"])
        curves += rows
        finals.append(final)
        if entry.contestant.variant == MAIN:
            step, adam = seconds_per_step(entry.optimizer, tests.family, starts)
            taken |= {"seconds_per_step": step, "adam_seconds_per_step": adam}
            seconds.append(taken | {"step_over_adam": step / adam})
            runs += [{"method": p["method"], **row} for row in each]
    tables = {"curves": curves, "finals": finals, "seconds": seconds, "runs": runs}
    for name, found in tables.items():
        write_table(given.outputs[name], [{"setting": p["setting"], **row} for row in found])


def optima(given: Given) -> None:
    """Write where runs end that are many times as long as those of an evaluation."""
    import torch

    from l2o.compute import prepare_device
    from l2o.evaluation.networks import entries, followed
    from l2o.optimizees.network_runs import drawn_starts, load_digits, monitored
    from l2o.optimizees.network_training import NetworkTrainingFamily
    from l2o.optimizees.networks import NETWORKS
    from l2o.optimizers.schedules import lasting

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    digits, last = load_digits(given.inputs["digits"], "train"), p["times"] * p["iterations"]
    (entry, *_), streams = entries(p, given.inputs), (p["runs"], p["seed"], "test")
    family = NetworkTrainingFamily(NETWORKS[p["setting"]], digits, *streams, p["minibatch"])
    how = lasting(entry.optimizer, last), family.batch(torch.arange(p["runs"]))
    starts, seen = drawn_starts(p["setting"], *streams), monitored(digits, p["monitored"])
    losses = followed(*how, starts, [0, last], seen).losses[-1]
    row = {"setting": p["setting"], **entry.contestant.about(), "iteration": last}
    row |= {"runs": p["runs"], "loss": losses.mean()}
    row |= {"loss_low": losses.min(), "loss_high": losses.max()}
    write_table(given.outputs["optima"], [row])
