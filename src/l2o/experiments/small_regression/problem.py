"""The work on small regressions: sets, minima, searches, trainings and runs of all methods."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from l2o.artifacts.job import Given
from l2o.experiments.family import follow, random_starts, searched, timed
from l2o.storage.tables import read_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch

    from l2o.optimizees.instances import Instances


def sample(given: Given) -> None:
    """Draw the problems of a setting and store them."""
    from l2o.optimizees.small_regression import draw
    from l2o.seeds import named_generator
    from l2o.storage.array_sets import write_arrays
    from l2o.storage.hdf5 import provenance_attributes

    p, splits = given.parameters, {}
    for split, count in p["samples"].items():
        random = named_generator(p["seed"], "small regression", p["setting"], split)
        splits[split] = draw(random, p["problem"], count, p["n"])
    attributes = {"setting": p["setting"], **provenance_attributes(given.record)}
    write_arrays(given.outputs["set"], splits, attributes)


def optima(given: Given) -> None:
    """Find the minimum of every test problem, with a certificate."""
    from l2o.evaluation.small_regression import minima

    p = given.parameters
    found = minima(_prepared(given, "test"), p["starts"], p["seed"])
    about = {"setting": p["setting"], "problem": p["problem"]}
    write_table(given.outputs["optima"], [about | row for row in found])


def train(given: Given) -> None:
    """Train a policy or another learned optimizer, or go on with it."""
    from l2o.training.policy_gradient import train_policy
    from l2o.training.recurrent import train_recurrent

    p, family = given.parameters, partial(_single, given)
    if p["kind"] == "recurrent":
        train_recurrent(given, family, {})
        return
    dimension = _loaded(given.inputs["set"], p["problem"], "train").dimension
    follows = {"scale": p["scale"], "dimension": dimension}
    train_policy(given, family, follows)


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on the validation problems; write their losses."""
    searched(given, _prepared(given, "validation"))


def evaluate(given: Given) -> None:
    """Follow a method over all iterations from all starts, and its excess over the minimum."""
    from l2o.evaluation.small_regression import excess_columns

    lowest = _lowest(given, "optima")
    columns = partial(excess_columns, lowest=lowest)
    follow(given, _prepared(given, "test"), columns, lowest, [given.parameters["horizon"]])


def time(given: Given) -> None:
    """Time all methods from one start; write the seconds at each recorded iteration."""
    timed(given, _prepared(given, "test"))


def measure_stochastic(given: Given) -> None:
    """Follow policies whose steps are drawn, as in their training, and by their means."""
    from l2o.compute import prepare_device
    from l2o.evaluation.family import followed
    from l2o.evaluation.small_regression import excess_columns
    from l2o.optimizers.policy import Sampled
    from l2o.optimizers.trained import load_recurrent

    p, rows = given.parameters, []
    prepare_device("cpu", p["compute_threads"])
    for setting, problem in p["problems"].items():
        f = _loaded(given.inputs[f"set {setting}"], problem, "test")
        starts, lowest = random_starts(p, f), _lowest(given, f"optima {setting}")
        recorded = [0, p["horizon"]]
        for method in p["policies"]:
            policy = load_recurrent(given.inputs[f"{setting}/{method}"]).double()
            if policy.learns != "reward":  # its deviation is not trained
                continue
            policy.requires_grad_(False)
            about = {"setting": setting, "method": method, "kind": "policies"}
            about |= {"label": policy.label, "iteration": p["horizon"]}
            about["deviation"] = float(policy.log_deviation.exp().mean())
            for steps, optimizer in (("mean", policy), ("drawn", Sampled(policy, p["seed"]))):
                runs = followed(optimizer, f, starts, recorded, starts.dtype)
                rows.append({**about, "steps": steps, **excess_columns(runs, lowest)[-1]})
    write_table(given.outputs["table"], rows)


def _lowest(given: Given, role: str) -> np.ndarray:
    import numpy as np

    return np.array([row["minimum"] for row in read_rows(given.inputs[role])])


def _loaded(path: Path, problem: str, split: str) -> Instances:
    """Return the problems of a split, float64."""
    import torch

    from l2o.optimizees.small_regression import PROBLEMS
    from l2o.storage.array_sets import read_arrays

    arrays = read_arrays(path, split)
    return PROBLEMS[problem](**{name: torch.from_numpy(one) for name, one in arrays.items()})


def _prepared(given: Given, split: str) -> Instances:
    """Return the problems of a split, ready to compute with."""
    from l2o.compute import prepare_device

    prepare_device("cpu", given.parameters["compute_threads"])
    return _loaded(given.inputs["set"], given.parameters["problem"], split)


def _single(given: Given, split: str, device: torch.device) -> Any:
    """Return the problems of a split, float32, on a device."""
    import torch

    f = _loaded(given.inputs["set"], given.parameters["problem"], split)
    return f.to(torch.float32).to(device)
