"""The work on the Rastrigin family: sets, minima, searches, trainings and runs of all methods."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from l2o.artifacts.job import Given
from l2o.experiments.family import follow, random_starts, searched, timed
from l2o.storage.tables import read_rows, write_table

if TYPE_CHECKING:
    import torch

    from l2o.optimizees.rastrigin import Rastrigin


def sample(given: Given) -> None:
    """Draw instances of the family and store them."""
    from l2o.optimizees.rastrigin import sample_slices
    from l2o.storage.hdf5 import provenance_attributes
    from l2o.storage.rastrigin_sets import write_rastrigin_set

    p, splits = given.parameters, {}
    for split, count in p["samples"].items():
        names = ("rastrigin", p["setting"], split)
        splits[split] = sample_slices(p["n"], count, p["seed"], names)
    attributes = {
        "setting": p["setting"],
        "model": "f(x) = ||A x - b||^2 / 2 - alpha c^T cos(2 pi x) + alpha n",
        "alpha": p["alpha"],
        **provenance_attributes(given.record),
    }
    write_rastrigin_set(given.outputs["set"], splits, attributes)


def optima(given: Given) -> None:
    """Write the minimum of every test instance, and what Run-and-Inspect and a grid find."""
    import numpy as np
    import torch

    from l2o.optimizers.exhaustive import exhaustive_minimum
    from l2o.optimizers.lattice_minimum import lattice_minimum
    from l2o.optimizers.run_and_inspect import Inspection, run_and_inspect

    p, f = given.parameters, _prepared(given, "test")
    inspection = Inspection(radius=p["radius"], points=p["points"])
    found = run_and_inspect(f, random_starts(p, f), p["seed"], inspection)
    oracle, ones = found.objective.numpy(), [f.batch(torch.tensor([i])) for i in range(len(f))]
    minima = [lattice_minimum(one, known) for one, known in zip(ones, oracle, strict=True)]
    grid = np.full(len(ones), np.nan)
    if p["grid"]:
        grid = [exhaustive_minimum(one, at) for one, at in zip(ones, oracle, strict=True)]
    columns = {
        "instance": range(len(ones)),
        # Should the search in the lattice have given up, Run-and-Inspect may know better.
        "minimum": np.minimum([one.objective for one in minima], oracle),
        "proven": [int(one.proven) for one in minima],
        "wells": [one.wells for one in minima],
        "boxes": [one.boxes for one in minima],
        "oracle": oracle,
        "lower_bound": f.lower_bound().numpy(),
        "agreeing": found.agreeing.numpy(),
        "settled": found.stopped.double().numpy(),
        "grid": grid,
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    write_table(given.outputs["optima"], rows)


def summed_optima(given: Given) -> None:
    """Sum up the minima of all settings."""
    import numpy as np

    from l2o.evaluation.rastrigin import optima_summary

    p, rows = given.parameters, []
    for setting, path in given.inputs.items():
        table = read_rows(path)
        columns = {name: np.array([row[name] for row in table], float) for name in table[0]}
        how = (p["sizes"][setting], p["alpha"], p["starts"][setting], p["published_instances"])
        rows.append({"setting": setting, **optima_summary(columns, *how)})
    write_table(given.outputs["table"], rows)


def train(given: Given) -> None:
    """Meta-train a recurrent optimizer, or go on with the training that is kept."""
    from l2o.training.recurrent import train_recurrent

    train_recurrent(given, partial(_family, given), {"alpha": given.parameters["alpha"]})


def _family(given: Given, split: str, device: torch.device) -> Rastrigin:
    import torch

    from l2o.optimizees.rastrigin import load_rastrigin

    alpha = given.parameters["alpha"]
    return load_rastrigin(given.inputs["set"], split, alpha).to(torch.float32).to(device)


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on the validation instances; write their losses."""
    p = given.parameters
    if p["kind"] == "population":
        given = replace(given, parameters={**p, "starts": p["population_search_starts"]})
    searched(given, _prepared(given, "validation"))


def evaluate(given: Given) -> None:
    """Follow a method over all iterations from all starts, and its gap to the minimum."""
    import numpy as np

    from l2o.evaluation.rastrigin import gaps

    lowest = np.array([row["minimum"] for row in read_rows(given.inputs["optima"])])
    follow(given, _prepared(given, "test"), partial(gaps, lowest=lowest), lowest)


def time(given: Given) -> None:
    """Time all methods from one start; write the seconds at each recorded iteration."""
    timed(given, _prepared(given, "test"))


def _prepared(given: Given, split: str) -> Rastrigin:
    """Return instances in float64, ready to compute with."""
    from l2o.compute import prepare_device
    from l2o.optimizees.rastrigin import load_rastrigin

    prepare_device("cpu", given.parameters["compute_threads"])
    return load_rastrigin(given.inputs["set"], split, given.parameters["alpha"])
