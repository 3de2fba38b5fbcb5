"""The work on sparse recovery: sets, training, evaluation of every layer in float64."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from l2o.artifacts.job import Given
from l2o.errors import InputError
from l2o.storage.hdf5 import provenance_attributes, read_dictionary
from l2o.storage.sets import SPARSE_RECOVERY, read_split, write_set
from l2o.storage.tables import write_table

if TYPE_CHECKING:
    from l2o.evaluation.sparse_recovery import Followed, TestSet


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


def evaluate(given: Given) -> None:
    """Follow a net, a classical solver or the oracle over its layers."""
    from l2o.compute import prepare_device
    from l2o.evaluation.sparse_recovery import TestSet, curve_rows, final_row

    p, data = given.parameters, given.inputs["set"]
    prepare_device("cpu", p["compute_threads"])
    A = read_dictionary(data)
    validation, test = (
        TestSet(A, *(array.astype(np.float64) for array in read_split(data, split)))
        for split in ("validation", "test")
    )
    followed = _followed(p, given.inputs, validation, test)
    about = {"setting": p["setting"], "method": p["method"]}
    write_table(given.outputs["curves"], [about | row for row in curve_rows(followed, test)])
    write_table(given.outputs["finals"], [about | final_row(followed, test)])
    seconds = {"layer": p["depth"], "batch": len(test.b), "seconds": followed.seconds}
    write_table(given.outputs["seconds"], [about | seconds])


def _followed(
    p: Mapping[str, Any], inputs: Mapping[str, Path], validation: TestSet, test: TestSet
) -> Followed:
    from l2o.evaluation.sparse_recovery import follow_net, follow_oracle, follow_solver
    from l2o.optimizers.registry import methods
    from l2o.optimizers.trained import load_net

    if p["kind"] == "oracle":
        return follow_oracle("Oracle support", test, p["depth"])
    if p["kind"] == "unrolled":
        return follow_net(load_net(inputs["checkpoint"], test.A), test)
    solver = methods("classical")[p["method"]].load()
    given = (p["hyperparameters"], p["depth"], p["lam_grid"], validation, test)
    return follow_solver(solver, *given)


def learn(given: Given) -> None:
    """Learn the coherent dictionary from images and store it with its objective."""
    from threadpoolctl import threadpool_limits

    from l2o.dictionaries.images import fetch_images, read_patches
    from l2o.dictionaries.learned import learn_dictionary
    from l2o.storage.hdf5 import write_dictionary

    p, sums = given.parameters, given.inputs["sums"]
    folder, seed = Path(p["images"]), p["seed"]
    fetch_images(folder, sums)
    with threadpool_limits(p["compute_threads"]):
        cut = (p["patches"], p["patch_size"], seed)
        patches = read_patches(folder, sums, *cut, remove_mean=p["remove_mean"])
        how = (p["atoms"], p["sparsity_weight"], p["iterations"], seed)
        learned = learn_dictionary(patches, *how, progress=_told)
    attributes = {"nonzeros_per_code": learned.nonzeros, **provenance_attributes(given.record)}
    out = given.outputs["dictionary"]
    write_dictionary(out, learned.dictionary, attributes, objective=learned.objective)


def _told(done: int, objective: float) -> None:
    """Print the objective now and then."""
    if done == 1 or done % 20 == 0:
        print(f"iteration {done}: objective {objective:.6g}", flush=True)
