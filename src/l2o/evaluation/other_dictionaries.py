"""Nets on other dictionaries than the one that they were trained for.

Nets whose learned numbers are free of A are given the new one, as classical methods are: one takes
A for an input, another computes its weights from it. Others stay with the A of their training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from l2o.artifacts.job import Given
from l2o.compute import prepare_device
from l2o.evaluation.grid_search import tuned_hyperparameters
from l2o.metrics import pooled_nmse_db, sample_nmse_db
from l2o.optimizees.sparse_recovery import measure as measured
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net
from l2o.seeds import named_generator
from l2o.storage.hdf5 import read_dictionary
from l2o.storage.sets import read_split
from l2o.storage.tables import write_table

KINDS = ("same", "permuted", "perturbed", "fresh")


def dictionaries(
    A: np.ndarray, kind: str, snr_db: float, draws: int, seed: int
) -> Iterator[np.ndarray]:
    """Yield dictionaries, (m, n) float64, with unit columns.

    Parameters
    ----------
    A : the one that nets were trained for
    kind : ``same``: A, once; ``permuted``: its columns in another order; ``perturbed``: Gaussian
        noise added; ``fresh``: Gaussian entries
    snr_db : power of A by that of the noise
    draws : how many
    seed : root of the named random streams
    """
    for draw in range(1 if kind == "same" else draws):
        random = named_generator(seed, "other dictionary", kind, draw)
        if kind == "same":
            found = A
        elif kind == "permuted":
            found = A[:, random.permutation(A.shape[1])]
        else:
            normal = random.standard_normal(A.shape)
            level = np.sqrt(np.square(A).mean()) * 10 ** (-snr_db / 20)
            found = normal if kind == "fresh" else A + level * normal
        yield found / np.linalg.norm(found, axis=0)


def measure(given: Given) -> None:
    """Write the errors of all methods on all kinds of dictionary."""
    p, rows = given.parameters, []
    prepare_device("cpu", p["compute_threads"])
    A = read_dictionary(given.inputs["set"])
    x = read_split(given.inputs["set"], "test")[1].astype(np.float64)
    for kind in KINDS:
        errors: dict[str, list[np.ndarray]] = {}
        pooled: dict[str, list[float]] = {}
        for draw, other in enumerate(dictionaries(A, kind, p["snr_db"], p["draws"], p["seed"])):
            noise = named_generator(p["seed"], "on other dictionary", kind, draw)
            b = torch.from_numpy(measured(noise, other, x, p["noise_db"]).astype(np.float64))
            for name, (_, run) in _solvers(given, A, torch.from_numpy(other)).items():
                found = run(b).numpy()
                errors.setdefault(name, []).append(sample_nmse_db(found, x))
                pooled.setdefault(name, []).append(pooled_nmse_db(found, x))
        for name, (told, _) in _solvers(given, A, torch.from_numpy(A)).items():
            samples = np.concatenate(errors[name])
            row = {"setting": p["setting"], "dictionary": kind, "method": name, **told}
            row |= {"dictionaries": len(errors[name]), "runs": len(samples)}
            row |= {"nmse_db": float(samples.mean())}
            row |= {"nmse_pooled_db": 10 * math.log10(np.mean(10 ** (np.array(pooled[name]) / 10)))}
            rows.append(row | {"failed": int((~(samples < 0)).sum())})
    write_table(given.outputs["table"], rows)


def _solvers(given: Given, A: np.ndarray, other: torch.Tensor) -> dict[str, tuple[dict, Any]]:
    """Return what is told of each method, and a function from b to x, under another A."""
    found = {}
    for name, who in given.parameters["methods"].items():
        head = methods(who["kind"])[name]
        cells = {"kind": who["kind"], "label": head.label, "knows": "the new A"}
        if who["kind"] == "unrolled":
            net = load_net(given.inputs[name], A).double().requires_grad_(False)
            if net.free_of_matrix:
                net = net.given(other)
            else:
                cells["knows"] = "the A of its training"
            found[name] = cells, lambda b, net=net: net(b)[-1]
        else:
            hyper = tuned_hyperparameters(who, given.inputs.get(f"tuned {name}"))
            solver, depth = head.load()(other, hyper), given.parameters["depth"]
            found[name] = cells, lambda b, solver=solver, depth=depth: solver.run(b, depth)[-1]
    return found
