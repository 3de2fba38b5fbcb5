"""The work on shifts: all methods, as they were trained and tuned, on instances of other laws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from l2o.artifacts.job import Given
from l2o.storage.hdf5 import read_dictionary
from l2o.storage.tables import write_table
from l2o.variants import MAIN

if TYPE_CHECKING:
    from l2o.evaluation.shifts import Row

PROVABLE = 10  # unknowns; beyond, and for flatter cosines, wells are too many to be listed
Named = Iterator[tuple[str, "Row"]]  # rows, with the method that each is about


def recover(given: Given) -> None:
    """Write what nets and classical algorithms leave on sparse recovery at the nets' depth."""
    _measured(given, _recovered)


def minimise(given: Given) -> None:
    """Write what all methods leave on LASSO at the declared iterations."""
    _measured(given, _minimised)


def escape(given: Given) -> None:
    """Write what all methods leave on Rastrigin functions at the declared iterations."""
    _measured(given, _escaped)


def _measured(given: Given, evaluate: Callable[[Given, Mapping[str, Any]], Named]) -> None:
    """Evaluate under each value of a shift; ``evaluate`` is told the law with that value."""
    from l2o.compute import prepare_device
    from l2o.evaluation.shifts import with_degradation

    p, rows = given.parameters, []
    prepare_device("cpu", p["compute_threads"])
    head = {"experiment": p["experiment"], "setting": p["setting"], "shift": p["shift"]}
    for position, value in enumerate(p["values"]):
        home = value == p["law"][p["shift"]]
        about = {"value": "none" if value is None else f"{value}", "position": position}
        found = evaluate(given, {**p["law"], p["shift"]: value})
        rows += [head | about | {"home": home, "method": name} | row for name, row in found]
    write_table(given.outputs["table"], with_degradation(rows))


def _names(p: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the name of the random streams: those of one setting, whatever the shift."""
    return "shifts", p["experiment"], p["setting"]


def _recovered(given: Given, law: Mapping[str, Any]) -> Named:
    from l2o.evaluation.shifts import TOLD, recovery_row
    from l2o.evaluation.sparse_recovery import TestSet, follow
    from l2o.optimizees.shifted import Law, shifted_samples

    p, inputs, known = given.parameters, given.inputs, read_dictionary(given.inputs["set"])
    now, solved = Law(**law), p["solved_db"]
    behind, x, b = shifted_samples(known, p["samples"], now, p["seed"], _names(p))
    for name, who in p["methods"].items():
        files = {"checkpoint": inputs.get(name), "tuned": inputs.get(f"tuned {name}")}
        files = {role: path for role, path in files.items() if path is not None}
        yield name, recovery_row(follow(who, files, TestSet(known, b, x)), solved)
        # A prior, and a law that can be told; a net has learned its own.
        if who["kind"] == "classical" and "density" in who["hyperparameters"]:
            with_law = _told(who, files, now, TestSet(behind, b, x))
            yield name, recovery_row(with_law, solved, TOLD)


def _told(who: Mapping[str, Any], files: Mapping[str, Any], law: Any, test: Any) -> Any:
    """Follow a solver that is told the density of the signals, and the A behind the data."""
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.sparse_recovery import follow

    hyper = tuned_hyperparameters(who, files.get("tuned"))
    return follow({**who, "hyperparameters": {**hyper, "density": law.density}}, {}, test)


def _minimised(given: Given, law: Mapping[str, Any]) -> Named:
    import torch

    from l2o.dictionaries.gaussian import gaussian_dictionary
    from l2o.evaluation.lasso import excess_at
    from l2o.evaluation.runs import start_points
    from l2o.evaluation.shifts import SAFEGUARDED, lasso_entries, no_row, run_ends
    from l2o.optimizees.lasso import Lasso
    from l2o.optimizees.lasso_optimum import lasso_optimum
    from l2o.optimizees.shifted import Law, shifted_samples

    p, inputs, A = given.parameters, given.inputs, read_dictionary(given.inputs["set"])
    size = tuple(round(law["size"] * count) for count in A.shape)
    now, lam = Law(p["density"], dictionary=law["dictionary"]), law["lam"] * p["lam"]
    base = A if size == A.shape else gaussian_dictionary(*size, p["seed"])
    behind, _, b = shifted_samples(base, p["samples"], now, p["seed"], _names(p))
    optimum = lasso_optimum(behind, b, lam).objective
    lasso = Lasso(*map(torch.from_numpy, (behind, b)), lam, torch.from_numpy(optimum))
    starts = start_points(p["seed"], p["starts"], *b.shape[:1], size[1], p["start_scale"])
    recorded = [0, *p["iterations"]]
    for name, who in p["methods"].items():
        found = lasso_entries(who, lasso, inputs.get(name), A)
        own = starts[:1] if who["kind"] == "unrolled" else starts  # a net starts at x = 0
        for entry in found:
            excess = excess_at(entry.optimizer, lasso, own, recorded, entry.dtype)
            for k, last in zip(recorded[1:], excess[1:], strict=True):
                yield name, run_ends(entry.contestant, k, excess[0], last, p["solved_db"])
        if not found:
            for k, variant in ((k, v) for k in recorded[1:] for v in (MAIN, SAFEGUARDED)):
                yield name, no_row(who["kind"], who["label"], k, variant)


def _escaped(given: Given, law: Mapping[str, Any]) -> Named:
    import torch

    from l2o.evaluation.family import entries, followed
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.evaluation.runs import start_points
    from l2o.evaluation.shifts import gap_rows, minima
    from l2o.optimizees.rastrigin import Rastrigin, sample_slices

    p, inputs, n = given.parameters, given.inputs, round(law["size"] * given.parameters["n"])
    slices = sample_slices(n, p["samples"], p["seed"], (*_names(p), f"{n}"))
    arrays = (torch.from_numpy(np.concatenate(part)) for part in zip(*slices, strict=True))
    f = Rastrigin(*arrays, alpha=law["alpha"] * p["alpha"])
    starts = start_points(p["seed"], p["starts"], len(f), n, p["start_scale"])
    recorded = [0, *p["iterations"]]

    ran = []
    for name, who in p["methods"].items():
        hyper = tuned_hyperparameters(who, inputs.get(f"tuned {name}"))
        (entry, *_) = entries(who, hyper, inputs.get(name))
        runs = followed(entry.optimizer, f, starts, recorded, entry.dtype)
        ran.append((entry.contestant, runs.values))
    lowest = minima(f, [values for _, values in ran], law["alpha"] >= 1 and n <= PROVABLE)
    yield from gap_rows(ran, f.objective(starts).numpy(), lowest, recorded, p["solved_db"])
