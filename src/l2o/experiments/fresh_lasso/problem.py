"""The work on LASSO with an A for each instance: sets, curves, seconds, safeguards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from l2o.artifacts.job import Given, resolved
from l2o.storage.tables import write_table

if TYPE_CHECKING:
    from l2o.optimizees.fresh_lasso import FreshLasso

MORE = 4  # patches are cut for one that is wanted: of some the minimiser is x = 0
FLAT = 1e-3  # added to the range of the grey values of a patch; Liu et al.'s code


def sample(given: Given) -> None:
    """Draw instances or cut patches, certify their optima, and store all."""
    from l2o.optimizees.fresh_lasso import told
    from l2o.optimizees.lasso_optimum import lasso_optima
    from l2o.storage.array_sets import write_arrays
    from l2o.storage.hdf5 import provenance_attributes

    p, splits, gaps = given.parameters, {}, []
    drawn = _patches(given) if p["law"] == "patches" else _gaussian(given)
    for split, (A, b) in drawn.items():
        optima = lasso_optima(A, b, p["lam"])
        splits[split] = told(A, b, p["lam"], optima)
        gaps.append(float(optima.gap.max()))
    attributes = {"setting": p["setting"], "model": "f(x) = ||A x - b||^2 / 2 + lam ||x||_1"}
    attributes |= {"largest_relative_gap": max(gaps), **provenance_attributes(given.record)}
    write_arrays(given.outputs["set"], splits, attributes)


def _gaussian(given: Given) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return A and b of all splits."""
    from l2o.optimizees.fresh_lasso import synthetic
    from l2o.seeds import named_generator

    p, found = given.parameters, {}
    for split, count in p["samples"].items():
        names = (p["seed"], "fresh-lasso", p["setting"], split)
        randoms = (named_generator(*names, i) for i in range(count))
        found[split] = synthetic(randoms, p["m"], p["n"], round(p["density"] * p["n"]))
    return found


def _patches(given: Given) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return A, the same one for all, and patches of the splits but the first.

    Each is divided by the range of its grey values and has no mean, as in Liu et al.'s code.
    Nothing is trained on them: the dictionary alone is from the training pictures.
    """
    from math import isqrt

    from threadpoolctl import threadpool_limits

    from l2o.datasets.pictures import cut
    from l2o.dictionaries.learned import learn_dictionary
    from l2o.optimizees.fresh_lasso import worth_solving
    from l2o.seeds import named_generator
    from l2o.storage.picture_sets import read_pictures

    p, found = given.parameters, {}

    def patches(part: str, count: int) -> np.ndarray:
        random = named_generator(p["seed"], "fresh-lasso", p["setting"], part)
        drawn = cut(read_pictures(given.inputs["pictures"], part), isqrt(p["m"]), count, random)
        flat = drawn.reshape(count, -1)[random.permutation(count)].astype(np.float64)
        scaled = flat / (np.ptp(flat, axis=1, keepdims=True) + FLAT)
        return scaled - scaled.mean(axis=1, keepdims=True)

    how = p["dictionary"]
    with threadpool_limits(p["compute_threads"]):
        given_patches = patches("train", how["patches"])
        learning = p["n"], how["weight"], how["iterations"], p["seed"]
        A = learn_dictionary(given_patches, *learning).dictionary
        for split in ("validation", "test"):
            count = p["samples"][split]
            b = worth_solving(A, patches(split, MORE * count), p["lam"], count)
            found[split] = np.broadcast_to(A, (count, *A.shape)), b
    return found


def _loaded(given: Given, path: str, split: str = "test") -> FreshLasso:
    """Return instances in float64, ready to compute with."""
    import torch

    from l2o.compute import prepare_device
    from l2o.storage.array_sets import read_arrays

    prepare_device("cpu", given.parameters["compute_threads"])
    arrays = read_arrays(given.inputs[path], split)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return resolved(given.parameters["family"])(**tensors)


def evaluate(given: Given) -> None:
    """Follow a method over all iterations from all starts, and write its tables."""
    from time import perf_counter

    from l2o.evaluation.fresh_lasso import entry
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.lasso import curve_rows, excess_at, final_row
    from l2o.evaluation.runs import recorded_iterations, run_rows
    from l2o.experiments.family import random_starts

    p, inputs, f = given.parameters, given.inputs, _loaded(given, "set")
    tuned = tuned_hyperparameters(p, inputs.get("tuned"))
    found = entry(p, tuned, f, inputs.get("checkpoint"))
    recorded, starts = recorded_iterations(p["iterations"]), random_starts(p, f)
    began = perf_counter()
    excess = excess_at(found.optimizer, f, starts, recorded, found.dtype)
    seconds = (perf_counter() - began) / len(starts)
    optimum, who = f.optimum.numpy(), found.contestant
    tables = {
        "curves": curve_rows(who, recorded, excess, optimum),
        "finals": [final_row(who, excess, optimum)],
        "runs": run_rows(excess / optimum, recorded, p["targets"]),
        "seconds": [{"iteration": recorded[-1], "batch": len(f), "seconds": seconds}],
    }
    for name, rows in tables.items():
        about = {"setting": p["setting"], "method": p["method"]}
        write_table(given.outputs[name], [about | row for row in rows])


def time(given: Given) -> None:
    """Time all methods from one start; write the seconds at each recorded iteration."""
    from l2o.evaluation.family import seconds_rows
    from l2o.evaluation.fresh_lasso import entry
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.runs import recorded_iterations
    from l2o.experiments.family import random_starts

    p, inputs, f = given.parameters, given.inputs, _loaded(given, "set")
    found, recorded, start = [], {}, None
    for name, who in p["methods"].items():
        tuned = tuned_hyperparameters(who, inputs.get(f"tuned {name}"))
        found.append(entry(who, tuned, f, inputs.get(name)))
        recorded[name] = recorded_iterations(who["iterations"])
        (start,) = random_starts({**who, "seed": p["seed"], "starts": 1}, f)
    rows = seconds_rows(found, f, start, recorded)
    write_table(given.outputs["seconds"], [{"setting": p["setting"]} | row for row in rows])


def measure_untrained(given: Given) -> None:
    """Follow learned proximal methods with the weights that their training begins with."""
    from l2o.evaluation.begun import begun_row
    from l2o.experiments.family import random_starts

    p, rows = given.parameters, []
    for setting, targets in p["targets"].items():
        f = _loaded(given, f"set {setting}")
        how = f, random_starts(p, f), p["iterations"], targets
        told = [begun_row(training, *how) for training in p["methods"][setting].values()]
        rows += [{"setting": setting, **row} for row in told]
    write_table(given.outputs["table"], rows)


def measure_safeguards(given: Given) -> None:
    """Run trained methods, and none, without and with safeguards; write values and costs."""
    from l2o.evaluation.fresh_lasso import entry, guarded_rows, no_net
    from l2o.experiments.family import random_starts

    p, rows = given.parameters, []
    for setting in p["settings"]:
        f = _loaded(given, f"set {setting}")
        (start,) = random_starts({**p, "starts": 1}, f)
        trained = [
            entry(who, who["hyperparameters"], f, given.inputs[f"{name} {setting}"])
            for name, who in p["methods"].items()
        ]
        how = p["iterations"], p["alpha"], p["theta"]
        for found in (*trained, no_net()):
            told = guarded_rows(found, f, start, *how)
            rows += [{"setting": setting, **row} for row in told]
    write_table(given.outputs["table"], rows)
