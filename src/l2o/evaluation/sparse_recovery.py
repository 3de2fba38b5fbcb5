"""Evaluation on sparse recovery: every layer, in float64, with both NMSE conventions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.clock import fastest, timed
from l2o.evaluation.grid_search import tuned_hyperparameters
from l2o.evaluation.runs import failures, learned_values, run_rows, tail
from l2o.metrics import pooled_nmse_db, sample_nmse_db
from l2o.optimizers.oracle import oracle_estimate
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net
from l2o.variants import MAIN

SHOWN = {"lam": "λ", "alpha": "α", "damping": "damping"}  # in a solver's label, where not 0


@dataclass(frozen=True)
class TestSet:
    """A, (m, n); b, (samples, m); x, (samples, n); all float64."""

    A: np.ndarray
    b: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Followed:
    """A method with the errors of its iterates on a test set.

    Parameters
    ----------
    kind, label : for the tables
    errors : NMSE of each sample in dB, (layers + 1, samples), x_0 (the start) first; more than
        ``depth`` layers of a solver
    pooled : NMSE of all samples together in dB, (layers + 1,)
    depth : the layer that finals, status and seconds are about
    seconds : of a solve, for all samples together; NaN where it means nothing
    learned : numbers that it learned
    lam : LASSO weight of the solver; NaN without
    """

    kind: str
    label: str
    errors: np.ndarray
    pooled: np.ndarray
    depth: int
    seconds: float = math.nan
    learned: int = 0
    lam: float = math.nan


def curve_rows(followed: Followed) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each layer, layer 0 (the start) included.

    The status is ``diverged`` where the iterate at the depth is not finite or not better than
    x = 0.
    """
    last = float(followed.errors[followed.depth].mean())
    about = {"variant": MAIN, "kind": followed.kind, "label": followed.label}
    same = {"lam": followed.lam, "parameters": followed.learned}
    same["status"] = "converged" if last < 0 else "diverged"
    rows = []
    for layer, (sample, pooled) in enumerate(zip(followed.errors, followed.pooled, strict=True)):
        with np.errstate(invalid="ignore"):  # between two infinities
            spread = np.quantile(sample, [0.25, 0.5, 0.75]).tolist()
        row = {"layer": layer, "nmse_db": float(sample.mean()), "nmse_pooled_db": float(pooled)}
        row |= zip(("nmse_q25_db", "nmse_median_db", "nmse_q75_db"), spread, strict=True)
        rows.append({**about, **row, **same})
    return rows


def final_row(followed: Followed) -> dict[str, Any]:
    """Return what the layer at the depth is worth: failed samples (not below 0 dB), the tail."""
    errors = followed.errors[: followed.depth + 1]
    with np.errstate(over="ignore"):
        ratios = 10.0 ** (errors / 10.0)
    ratios[0] = 1.0  # of x = 0, also for the oracle, which is at its end from the start
    row = {"variant": MAIN, "kind": followed.kind, "label": followed.label}
    row |= {"layer": followed.depth, **failures(ratios), "learned": followed.learned}
    row |= {"nmse_db": float(errors[-1].mean())}
    row |= {"nmse_pooled_db": float(followed.pooled[followed.depth])}
    return row | tail(errors[-1], "nmse_p99_db")


def sample_rows(followed: Followed, targets: Sequence[float]) -> list[dict[str, Any]]:
    """Return a row for each sample: its error at the depth, and the first layer at each target.

    A classical solver may get there beyond the depth. See :func:`l2o.evaluation.runs.run_rows`.
    """
    errors = followed.errors[:, None]
    rows = run_rows(errors, range(len(errors)), targets)
    ends = errors[followed.depth, 0].tolist()
    return [row | {"end": end} for row, end in zip(rows, ends, strict=True)]


def follow(who: Mapping[str, Any], inputs: Mapping[str, Path], test: TestSet) -> Followed:
    """Follow a net, a classical solver or the oracle over its layers.

    Parameters
    ----------
    who : ``kind``, ``method``, ``hyperparameters``, ``depth``; of a solver its ``iterations``
    inputs : ``checkpoint`` of a net; perhaps ``tuned``, the search of a solver's hyperparameters
    test : the samples

    Raises
    ------
    InputError : see :func:`l2o.optimizers.trained.load_net`.
    """
    if who["kind"] == "oracle":
        return follow_oracle("Oracle support", test, who["depth"])
    if who["kind"] == "unrolled":
        return follow_net(load_net(inputs["checkpoint"], test.A), test)
    hyper = tuned_hyperparameters(who, inputs.get("tuned"))
    solver = methods("classical")[who["method"]].load()
    return follow_solver(solver, hyper, who["depth"], who["iterations"], test)


def follow_net(net: Any, test: TestSet) -> Followed:
    """Follow a trained net over its layers."""
    net = net.double().requires_grad_(False)
    found, seconds = timed(lambda: net(torch.from_numpy(test.b)))
    errors = _errors([np.zeros_like(test.x), *found], test)
    return Followed("unrolled", net.label, *errors, net.depth, seconds, learned_values(net))


def follow_solver(
    solver_class: type, hyper: Mapping[str, float], depth: int, iterations: int, test: TestSet
) -> Followed:
    """Follow a classical solver over its iterations.

    Its label tells the hyperparameters that are searched for.
    """
    solver, b = solver_class(torch.from_numpy(test.A), hyper), torch.from_numpy(test.b)
    told = [
        f"{word} = {solver.hyper[name]:g}" for name, word in SHOWN.items() if solver.hyper.get(name)
    ]
    label = f"{solver.label} ({', '.join(told)})" if told else solver.label
    found, seconds = timed(lambda: solver.run(b, iterations))
    errors = _errors([np.zeros_like(test.x), *found], test)
    lam = solver.hyper.get("lam", math.nan)
    return Followed("classical", label, *errors, depth, seconds, lam=lam)


def follow_oracle(label: str, test: TestSet, layers: int) -> Followed:
    """Return the oracle's constant line over as many layers."""
    estimate = oracle_estimate(test.A, test.b, test.x)
    errors = (np.repeat(of, layers + 1, axis=0) for of in _errors([estimate], test))
    return Followed("oracle", label, *errors, layers)


def last_error(
    solver_class: type, hyper: Mapping[str, float], iterations: int, test: TestSet
) -> float:
    """Return the mean NMSE in dB after the last iteration, what a search goes by."""
    solver = solver_class(torch.from_numpy(test.A), hyper)
    last = solver.run(torch.from_numpy(test.b), iterations)[-1]
    return float(sample_nmse_db(last.numpy(), test.x).mean())


def batch_solver(
    who: Mapping[str, Any], layers: int, A: np.ndarray, checkpoint: Path | None
) -> Callable[[Tensor], list[Tensor]]:
    """Return a net or a classical solver as a function of b, float64, that returns all iterates.

    Parameters
    ----------
    who : ``kind``, ``method``, ``hyperparameters``
    layers : that a classical solver does
    A : dictionary, (m, n) float64
    checkpoint : of a net

    Raises
    ------
    InputError : see :func:`l2o.optimizers.trained.load_net`.
    """
    if who["kind"] == "unrolled":
        return load_net(checkpoint, A).double().requires_grad_(False)
    made = methods("classical")[who["method"]].load()
    return partial(made(torch.from_numpy(A), who["hyperparameters"]).run, iterations=layers)


def seconds_rows(
    solvers: Mapping[str, tuple[Callable[[Tensor], Any], int, int]], test: TestSet
) -> list[dict[str, Any]]:
    """Return the seconds of each layer on all samples as one batch; a layer costs what others do.

    ``solvers`` are batch solvers with the layers that they do, and those to tell of, by method.
    They take turns. Of OMP, whose layers cost more and more, later ones are told too cheap.
    """
    b, rows = torch.from_numpy(test.b), []

    def run(solve: Callable[[Tensor], Any]) -> None:
        solve(b)  # its iterates are dropped: those of all methods together take gigabytes

    taken = fastest([partial(run, solve) for solve, *_ in solvers.values()])
    for (name, (_, layers, last)), (_, seconds) in zip(solvers.items(), taken, strict=True):
        rows += [
            {"method": name, "iteration": k, "seconds": seconds * k / layers, "batch": len(b)}
            for k in range(1, last + 1)
        ]
    return rows


def _errors(iterates: Sequence[Any], test: TestSet) -> tuple[np.ndarray, np.ndarray]:
    """Return the NMSE in dB of iterates, (samples, n) each: of the samples, and of all together."""
    found = [np.asarray(iterate) for iterate in iterates]
    samples = np.stack([sample_nmse_db(iterate, test.x) for iterate in found])
    return samples, np.array([pooled_nmse_db(iterate, test.x) for iterate in found])
