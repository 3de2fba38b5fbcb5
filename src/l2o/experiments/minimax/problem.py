"""The work on minimax problems: sets, searches of steps, measurements of learned methods."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from l2o.artifacts.job import Given, resolved
from l2o.storage.tables import write_table
from l2o.variants import MAIN

SMALLEST, LARGEST = 1e-16, 1e30  # errors beyond are nothing, or everything, to choose by


def sample(given: Given) -> None:
    """Draw the instances of a setting and store them."""
    from l2o.optimizees.minimax import draw
    from l2o.seeds import named_generator
    from l2o.storage.array_sets import write_arrays
    from l2o.storage.hdf5 import provenance_attributes

    p, splits = given.parameters, {}
    for split, count in p["samples"].items():
        random = named_generator(p["seed"], "minimax", p["setting"], split)
        splits[split] = draw(random, count, p["size"], p["law"])
    attributes = {"setting": p["setting"], **provenance_attributes(given.record)}
    write_arrays(given.outputs["set"], splits, attributes)


def tune(given: Given) -> None:
    """Try all hyperparameters of the grid on the validation instances; write their losses."""
    from l2o.compute import prepare_device
    from l2o.experiments.family import loaded, searched

    prepare_device("cpu", given.parameters["compute_threads"])
    searched(given, loaded(given, "validation"), mean_logarithm, along=True)


def mean_logarithm(values: Any) -> float:
    """Return the mean logarithm of errors, base 10.

    Along the way it tells how soon a run comes near as well as how near: of steps that solve a
    problem the quickest one is chosen.
    """
    import numpy as np

    sound = np.nan_to_num(values, nan=LARGEST, posinf=LARGEST)
    return float(np.log10(sound.clip(SMALLEST, LARGEST)).mean())


def measure_untrained(given: Given) -> None:
    """Follow learned methods with the weights that their training begins with."""
    from l2o.optimizers.registry import methods
    from l2o.training.recurrent import weights_generator

    p, rows = given.parameters, []
    for setting, (name, who) in _cases(given):
        kind = methods(who["kind"])[name].load()
        optimizer = kind(who["hyperparameters"], weights_generator(p["seed"]))
        rows.append(_ended(given, setting, who, optimizer))
    write_table(given.outputs["table"], rows)


def measure_transfer(given: Given) -> None:
    """Follow learned methods that were trained on one setting on all that are alike."""
    from l2o.optimizers.trained import load_recurrent

    rows = [
        _ended(given, setting, who, load_recurrent(given.inputs[name]))
        for setting, (name, who) in _cases(given)
    ]
    write_table(given.outputs["table"], rows)


def measure_safeguard(given: Given) -> None:
    """Follow learned methods without and with the safeguard, and count its steps."""
    from l2o.evaluation.grid_search import tuned_hyperparameters
    from l2o.optimizers.guarded_minimax import GuardedMinimax
    from l2o.optimizers.trained import load_recurrent

    p, rows = given.parameters, []
    for setting, (name, who) in _cases(given):
        tuned = given.inputs.get(f"step {setting}")
        rate = tuned_hyperparameters({"hyperparameters": p["safe"]}, tuned)["rate"]
        trained = load_recurrent(given.inputs[f"{name} {setting}"])
        plain = _ended(given, setting, who, trained)
        guarded, longer = GuardedMinimax(trained, rate), {**who, **p["guarded"][name]}
        rows.append({**plain, "variant": MAIN, "safe_steps": 0.0, "steps": who["iterations"]})
        safe = _ended(given, setting, longer, guarded)
        rows.append({**safe, "variant": "safeguarded", "steps": longer["iterations"]})
    write_table(given.outputs["table"], rows)


def _cases(given: Given) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    """Yield all pairs of a setting and a method."""
    from l2o.compute import prepare_device

    p = given.parameters
    prepare_device("cpu", p["compute_threads"])
    return itertools.product(p["families"], p["methods"].items())


def _ended(given: Given, setting: str, who: Mapping[str, Any], optimizer: Any) -> dict[str, Any]:
    """Return how the runs of an optimizer end, and how many safe steps a guarded one took."""
    import numpy as np
    import torch

    from l2o.evaluation.family import followed
    from l2o.evaluation.runs import quartiles, start_points
    from l2o.storage.array_sets import read_arrays

    p = given.parameters
    arrays = read_arrays(given.inputs[f"set {setting}"], "test")
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    f = resolved(p["families"][setting])(**tensors)
    starts = start_points(p["seed"], who["starts"], len(f), f.dimension, who["start_scale"])
    guarded = hasattr(optimizer, "inner")
    (optimizer.inner if guarded else optimizer).double().requires_grad_(False)
    runs = followed(optimizer, f, starts, [0, who["iterations"]], torch.float64)
    (spread,) = quartiles(runs.values[-1:], ("loss_q25", "loss_median", "loss_q75"))
    with np.errstate(invalid="ignore", over="ignore"):
        mean = float(runs.values[-1].mean())
    row = {"setting": setting, "method": who["method"], "kind": who["kind"]}
    row |= {"label": optimizer.label, "loss": mean}
    row |= {**spread, "evaluations": float(runs.evaluations[-1].mean())}
    return row | ({"safe_steps": float(runs.last[2].mean())} if guarded else {})
