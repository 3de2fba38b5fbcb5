"""The work on sparse recovery: sets, training, evaluation of every layer in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from l2o.artifacts.job import Given
from l2o.errors import InputError
from l2o.storage.hdf5 import provenance_attributes, read_dictionary
from l2o.storage.sets import SPARSE_RECOVERY, read_split, write_set
from l2o.storage.tables import write_table

if TYPE_CHECKING:
    from l2o.evaluation.sparse_recovery import TestSet


def sample(given: Given) -> None:
    """Sample and store an optimizee set."""
    from l2o.dictionaries.gaussian import gaussian_dictionary
    from l2o.optimizees.sparse_recovery import sample_slices

    p = given.parameters
    if "released" in given.inputs:
        matrix = read_dictionary(released := given.inputs["released"])
        if matrix.shape != (p["m"], p["n"]):
            problem = f"is {matrix.shape}, not ({p['m']}, {p['n']}) as patch_size and atoms say"
            raise InputError(
                released, "A", problem, "name the dictionary that was learned with them"
            )
    else:
        matrix = gaussian_dictionary(p["m"], p["n"], p["seed"])
    splits = {}
    for split, count in p["samples"].items():
        names = (p["setting"], split)
        slices = sample_slices(matrix, count, p["density"], p["snr_db"], p["seed"], names)
        splits[split] = (count, slices)
    attributes = {
        "setting": p["setting"],
        "model": "b = A x* + noise",
        "density": p["density"],
        "snr_db": "none" if p["snr_db"] is None else p["snr_db"],
        **provenance_attributes(given.record),
    }
    write_set(given.outputs["set"], SPARSE_RECOVERY, matrix, splits, attributes)


def train(given: Given) -> None:
    """Train an unrolled net, or go on with the training that is kept."""
    from l2o.training.losses import RecoveryLoss
    from l2o.training.unrolled import train_unrolled

    data = given.inputs["set"]
    samples = given.parameters["training"]["samples"]
    splits = read_split(data, "train", samples), read_split(data, "validation")
    train_unrolled(given, read_dictionary(data), *splits, lambda A: RecoveryLoss(), {})


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on the validation samples; write their errors."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import grid_search
    from l2o.evaluation.sparse_recovery import last_error
    from l2o.optimizers.registry import methods

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    samples, made = _samples(given, "validation"), methods(p["kind"])[p["method"]].load()

    def loss(hyper: Mapping[str, float]) -> float:
        return last_error(made, hyper, p["depth"], samples)

    about = {"setting": p["setting"], "method": p["method"]}
    rows = grid_search(p["hyperparameters"], p["grid"], loss)
    write_table(given.outputs["tuned"], [about | row for row in rows])


def evaluate(given: Given) -> None:
    """Follow a net, a classical solver or the oracle over its layers."""
    from l2o.compute import prepare_device
    from l2o.evaluation.sparse_recovery import curve_rows, final_row, follow, sample_rows

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    test = _samples(given, "test")
    found = follow(p, given.inputs, test)
    about = {"setting": p["setting"], "method": p["method"]}
    taken = {"layer": len(found.errors) - 1, "batch": len(test.b), "seconds": found.seconds}
    tables = {
        "curves": curve_rows(found),
        "finals": [final_row(found)],
        "runs": sample_rows(found, p["targets"]),
        "seconds": [taken],
    }
    for name, rows in tables.items():
        write_table(given.outputs[name], [about | row for row in rows])


def _samples(given: Given, split: str) -> TestSet:
    """Return the dictionary and the samples of a split, in float64."""
    from l2o.evaluation.sparse_recovery import TestSet

    data = given.inputs["set"]
    arrays = (array.astype(np.float64) for array in read_split(data, split))
    return TestSet(read_dictionary(data), *arrays)


def time(given: Given) -> None:
    """Time all methods on the test samples, as one batch; write the seconds of each layer."""
    from l2o.compute import prepare_device
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.sparse_recovery import batch_solver, seconds_rows

    p, solvers = given.parameters, {}
    prepare_device("cpu", p["compute_threads"])
    test = _samples(given, "test")
    for name, who in p["methods"].items():
        hyper = tuned_hyperparameters(who, given.inputs.get(f"tuned {name}"))
        who = who | {"hyperparameters": hyper}
        if who["kind"] != "oracle":
            solve = batch_solver(who, who["depth"], test.A, given.inputs.get(name))
            solvers[name] = solve, who["depth"], who.get("iterations", who["depth"])
    found = seconds_rows(solvers, test)
    write_table(given.outputs["seconds"], [{"setting": p["setting"]} | row for row in found])


def optima(given: Given) -> None:
    """Write what message passing reaches after each layer in the limit of large problems."""
    from threadpoolctl import threadpool_limits

    from l2o.evaluation.state_evolution import limit_rows

    p, A = given.parameters, read_dictionary(given.inputs["set"])
    with threadpool_limits(p["compute_threads"]):
        rows = limit_rows(A, p["density"], p["snr_db"], p["layers"])
    write_table(given.outputs["optima"], [{"setting": p["setting"]} | row for row in rows])
