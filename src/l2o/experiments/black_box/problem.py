"""The work on black-box functions: sets, minima, trainings, runs, seconds."""

from __future__ import annotations

import numpy as np

from l2o.artifacts.job import Given
from l2o.storage.tables import read_rows, write_table


def sample(given: Given) -> None:
    """Draw first queries, and the functions of draws, and store them."""
    from l2o.optimizees.black_box import DRAWS, drawn, known
    from l2o.seeds import named_generator
    from l2o.storage.array_sets import write_arrays
    from l2o.storage.hdf5 import provenance_attributes

    p = given.parameters
    random = named_generator(p["seed"], "black-box", p["setting"])
    if p["function"] == DRAWS:
        shape = p["runs"], p["dimension"], p["features"]
        f = drawn(random, *shape, tuple(p["lengthscales"]))
    else:
        f = known(random, p["runs"], p["function"])
    arrays = {name: value.numpy() for name, value in vars(f).items() if hasattr(value, "numpy")}
    attributes = {"setting": p["setting"], **provenance_attributes(given.record)}
    write_arrays(given.outputs["set"], {"test": arrays}, attributes)


def optima(given: Given) -> None:
    """Find the minimum of every function by a dense search, and beside it the known one."""
    from l2o.evaluation.black_box import minima

    p = given.parameters
    found = minima(_loaded(given), p["points"], p["starts"])
    rows = zip(*(values.tolist() for values in found.values()), strict=True)
    rows = [{"instance": i, **dict(zip(found, row, strict=True))} for i, row in enumerate(rows)]
    write_table(given.outputs["optima"], rows)


def train(given: Given) -> None:
    """Train a net on draws from a Gaussian process, or go on with it."""
    from l2o.training.black_box import train_search

    train_search(given)


def evaluate(given: Given) -> None:
    """Run a method on all functions; write regrets after each query, ends, runs, seconds."""
    from l2o.evaluation.black_box import contestant, searched
    from l2o.evaluation.family import Runs, curve_rows, final_row
    from l2o.evaluation.runs import run_rows

    p, inputs, f = given.parameters, given.inputs, _loaded(given)
    minima = np.array([row["minimum"] for row in read_rows(inputs["optima"])])
    who, optimizer = contestant(p, inputs.get("checkpoint"))
    found = searched(optimizer, f, p["evaluations"])
    regrets = found.regrets(minima)[:, None]  # one start of each
    places = np.arange(1, p["evaluations"] + 1)
    asked = np.broadcast_to(places[:, None, None], regrets.shape)
    runs = Runs(regrets, asked, float(found.seconds[-1]))
    taken = {"iteration": places[-1], "batch": len(f), "seconds": runs.seconds}
    tables = {
        "curves": curve_rows(who, places, runs),
        "finals": [final_row(who, runs)],
        "runs": run_rows(regrets, places, p["targets"]),
        "seconds": [taken],
    }
    for name, rows in tables.items():
        about = {"setting": p["setting"], "method": p["method"]}
        write_table(given.outputs[name], [about | row for row in rows])


def time(given: Given) -> None:
    """Time one run of each method; write the seconds since its start at each query."""
    from l2o.evaluation.black_box import contestant, query_seconds

    p, f, rows = given.parameters, _loaded(given), []
    for name, who in p["methods"].items():
        _, optimizer = contestant(who, given.inputs.get(name))
        seconds = query_seconds(optimizer, f, who["evaluations"])
        head = {"setting": p["setting"], "method": name}
        for k, taken in enumerate(seconds, start=1):
            rows.append({**head, "iteration": k, "seconds": taken, "batch": 1})
    write_table(given.outputs["seconds"], rows)


def _loaded(given: Given):
    """Return the functions, float64, ready to compute with."""
    from l2o.compute import prepare_device
    from l2o.optimizees.black_box import load_black_box

    prepare_device("cpu", given.parameters["compute_threads"])
    return load_black_box(given.inputs["set"], given.parameters["function"])
