"""The work on LASSO: sets with certified optima, trainings, curves and seconds of all methods."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from l2o.artifacts.job import Given
from l2o.storage.hdf5 import provenance_attributes, read_dictionary
from l2o.storage.sets import LASSO, read_split, write_set
from l2o.storage.tables import write_table
from l2o.variants import MAIN, PUBLISHED

if TYPE_CHECKING:
    import torch

    from l2o.optimizees.lasso import Lasso


def sample(given: Given) -> None:
    """Draw a dictionary and LASSO instances, certify their optima, and store all."""
    from l2o.dictionaries.gaussian import gaussian_dictionary
    from l2o.optimizees.lasso_optimum import lasso_optimum
    from l2o.optimizees.sparse_recovery import sample_slices

    p = given.parameters
    A = gaussian_dictionary(p["m"], p["n"], p["seed"])

    def certified(split: str, count: int) -> Iterator[tuple[np.ndarray, ...]]:
        names = ("lasso", p["setting"], split)
        for x, b in sample_slices(A, count, p["density"], None, p["seed"], names):
            optima = lasso_optimum(A, b.astype(np.float64), p["lam"])
            yield x, b, optima.objective, optima.gap

    splits = {split: (count, certified(split, count)) for split, count in p["samples"].items()}
    attributes = {
        "setting": p["setting"],
        "model": "f(x) = ||A x - b||^2 / 2 + lam ||x||_1, b = A x*",
        "density": p["density"],
        "lam": p["lam"],
        **provenance_attributes(given.record),
    }
    write_set(given.outputs["set"], LASSO, A, splits, attributes)


def train(given: Given) -> None:
    """Train an unrolled net or a recurrent optimizer, or go on with the training that is kept."""
    p, data = given.parameters, given.inputs["set"]
    A, about = read_dictionary(data), {"lam": p["lam"]}
    if p["kind"] == "unrolled":
        from l2o.training.lasso_loss import LassoLoss
        from l2o.training.unrolled import train_unrolled

        read = partial(read_split, data, names=("b", "optimum"), columns=LASSO)
        splits = read("train", rows=p["training"]["samples"]), read("validation")
        train_unrolled(given, A, *splits, partial(LassoLoss, lam=p["lam"]), about)
        return
    from l2o.training.recurrent import train_recurrent

    train_recurrent(given, partial(_family, given), about)


def _family(given: Given, split: str, device: torch.device) -> Lasso:
    import torch

    from l2o.optimizees.lasso import load_lasso

    data = given.inputs["set"]
    lasso = load_lasso(data, read_dictionary(data), given.parameters["lam"], split)
    return lasso.to(torch.float32).to(device)


def evaluate(given: Given) -> None:
    """Follow a method over all iterations from all starts."""
    from l2o.compute import prepare_device
    from l2o.evaluation.lasso import curve_rows, entries, excess_at, final_row
    from l2o.evaluation.runs import recorded_iterations, run_rows, start_points, with_about
    from l2o.optimizees.lasso import load_lasso

    p, data = given.parameters, given.inputs["set"]
    prepare_device("cpu", p["compute_threads"])
    lasso = load_lasso(data, read_dictionary(data), p["lam"])
    recorded = recorded_iterations(p["iterations"], given.inputs.get("published"))
    size = (len(lasso.b), lasso.A.shape[1])
    starts = start_points(p["seed"], p["starts"], *size, p["start_scale"])
    curves, finals, seconds, runs, optimum = [], [], [], [], lasso.optimum.numpy()
    trained = given.inputs.get("checkpoint"), given.inputs.get(PUBLISHED)
    for entry in entries(p, lasso, *trained):
        # A net starts at x = 0, so that all its starts are one.
        own = starts[:1] if p["kind"] == "unrolled" else starts
        began = perf_counter()
        excess = excess_at(entry.optimizer, lasso, own, recorded, entry.dtype)
        taken = {"method": p["method"], "iteration": recorded[-1], "batch": len(lasso.b)}
        if entry.contestant.variant == MAIN:
            seconds.append(taken | {"seconds": (perf_counter() - began) / len(own)})
            rows = run_rows(excess / optimum, recorded, p["targets"])
            runs += with_about({"method": p["method"]}, rows)
        curves += curve_rows(entry.contestant, recorded, excess, optimum)
        finals.append(final_row(entry.contestant, excess, optimum))
    about = {"setting": p["setting"]}
    tables = {"curves": curves, "finals": finals, "seconds": seconds, "runs": runs}
    for name, rows in tables.items():
        write_table(given.outputs[name], with_about(about, rows))


def time(given: Given) -> None:
    """Time all methods from one start; write the seconds at each recorded iteration."""
    from l2o.compute import prepare_device
    from l2o.evaluation.lasso import entries, seconds_rows
    from l2o.evaluation.runs import recorded_iterations, start_points, with_about
    from l2o.optimizees.lasso import load_lasso

    p, data = given.parameters, given.inputs["set"]
    prepare_device("cpu", p["compute_threads"])
    lasso, rows = load_lasso(data, read_dictionary(data), p["lam"]), []
    for name, who in p["methods"].items():
        recorded = recorded_iterations(who["iterations"], given.inputs.get("published"))
        size = (len(lasso.b), lasso.A.shape[1])
        (start,) = start_points(p["seed"], 1, *size, who["start_scale"])
        (entry, *_) = entries(who, lasso, given.inputs.get(name))
        timed = (lasso.to(entry.dtype), start.to(entry.dtype), recorded)
        rows += seconds_rows(entry.contestant, entry.optimizer, *timed)
    write_table(given.outputs["seconds"], with_about({"setting": p["setting"]}, rows))


def optima(given: Given) -> None:
    """Write how far the paper's optimum is from the certified one."""
    from l2o.compute import prepare_device
    from l2o.evaluation.lasso import published_optimum_errors
    from l2o.optimizees.lasso import load_lasso
    from l2o.optimizers.classical.fista import Fista

    p, data = given.parameters, given.inputs["set"]
    prepare_device("cpu", p["compute_threads"])
    lasso = load_lasso(data, read_dictionary(data), p["lam"])
    (gap,) = read_split(data, "test", names=("gap",), columns=LASSO)
    fista = Fista(lasso.A, {"lam": p["lam"]})
    about = {"setting": p["setting"], "instances": len(gap), "largest_certified_gap": gap.max()}
    errors = published_optimum_errors(lasso, fista, p["iterations"])
    write_table(given.outputs["optima"], [about | {"fista_iterations": p["iterations"]} | errors])


def measure_exact(given: Given) -> None:
    """Write how long solvers of single instances take, and how far they come."""
    from l2o.compute import prepare_device
    from l2o.evaluation.exact_lasso import exact_rows
    from l2o.evaluation.runs import with_about
    from l2o.optimizees.lasso import load_lasso

    p, rows = given.parameters, []
    prepare_device("cpu", p["compute_threads"])
    for setting, data in given.inputs.items():
        lasso = load_lasso(data, read_dictionary(data), p["lam"])
        A, b, optimum = (each.numpy() for each in (lasso.A, lasso.b, lasso.optimum))
        found = exact_rows(A, b, lasso.lam, optimum, p["tolerances"])
        rows += with_about({"setting": setting}, found)
    write_table(given.outputs["table"], rows)
