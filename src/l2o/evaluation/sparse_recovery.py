"""Evaluation on sparse recovery: every layer, in float64, with both NMSE conventions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.runs import failures, run_rows, tail
from l2o.metrics import pooled_nmse_db, sample_nmse_db
from l2o.optimizers.oracle import oracle_estimate
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import load_net

REPEATS = 3  # timed runs of a solver; the fastest counts
SHOWN = {"lam": "λ", "alpha": "α", "damping": "damping"}  # in a solver's label, where not 0


@dataclass(frozen=True)
class TestSet:
    """A, (m, n); b, (samples, m); x, (samples, n); all float64."""

    A: np.ndarray
    b: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Followed:
    """A method with its iterates on a test set.

    Parameters
    ----------
    kind, label : for the tables
    iterates : x_0 (the start), x_1, ..., each (samples, n); more than ``depth`` of a solver
    depth : the layer that finals, status and seconds are about
    seconds : of a solve up to there, for all samples together; NaN where it means nothing
    parameters : learned ones
    lam : LASSO weight of the solver; NaN without
    """

    kind: str
    label: str
    iterates: Sequence[np.ndarray]
    depth: int
    seconds: float = math.nan
    parameters: int = 0
    lam: float = math.nan


def curve_rows(followed: Followed, test: TestSet) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each layer, layer 0 (the start) included.

    The status is ``diverged`` where the iterate at the depth is not finite or not better than
    x = 0.
    """
    values = [sample_nmse_db(iterate, test.x) for iterate in followed.iterates]
    last = float(values[followed.depth].mean())
    status = "converged" if last < 0 else "diverged"
    rows = []
    for layer, (sample, iterate) in enumerate(zip(values, followed.iterates, strict=True)):
        with np.errstate(invalid="ignore"):  # between two infinities
            low, middle, high = np.quantile(sample, [0.25, 0.5, 0.75])
        rows.append(
            {
                "variant": "main",
                "kind": followed.kind,
                "label": followed.label,
                "layer": layer,
                "nmse_db": float(sample.mean()),
                "nmse_pooled_db": pooled_nmse_db(iterate, test.x),
                "nmse_q25_db": float(low),
                "nmse_median_db": float(middle),
                "nmse_q75_db": float(high),
                "lam": followed.lam,
                "parameters": followed.parameters,
                "status": status,
            }
        )
    return rows


def final_row(followed: Followed, test: TestSet) -> dict[str, Any]:
    """Return what the layer at the depth is worth: failed samples (not below 0 dB), the tail."""
    kept = followed.iterates[: followed.depth + 1]
    errors = np.stack([sample_nmse_db(iterate, test.x) for iterate in kept])
    with np.errstate(over="ignore"):
        ratios = 10.0 ** (errors / 10.0)
    ratios[0] = 1.0  # of x = 0, also for the oracle, which is at its end from the start
    counts = failures(ratios)
    row = {"variant": "main", "kind": followed.kind, "label": followed.label}
    row |= {"layer": followed.depth, **counts, "learned": followed.parameters}
    row |= {"nmse_db": float(errors[-1].mean())}
    row |= {"nmse_pooled_db": pooled_nmse_db(kept[-1], test.x)}
    return row | tail(errors[-1], "nmse_p99_db")


def sample_rows(
    followed: Followed, test: TestSet, targets: Sequence[float]
) -> list[dict[str, Any]]:
    """Return a row for each sample: its error at the depth, and the first layer at each target.

    A classical solver may get there beyond the depth. See :func:`l2o.evaluation.runs.run_rows`.
    """
    errors = np.stack([sample_nmse_db(iterate, test.x) for iterate in followed.iterates])[:, None]
    rows = run_rows(errors, range(len(errors)), targets)
    ends = errors[followed.depth, 0].tolist()
    return [row | {"end": end} for row, end in zip(rows, ends, strict=True)]


def follow_net(net: Any, test: TestSet) -> Followed:
    """Follow a trained net over its layers."""
    net = net.double().requires_grad_(False)
    count = sum(parameter.numel() for parameter in net.parameters())
    iterates, seconds = _solved(net, test), fastest([lambda: net(torch.from_numpy(test.b))])[0]
    return Followed("unrolled", net.label, iterates, net.depth, seconds, parameters=count)


def follow_solver(
    solver_class: type, hyper: Mapping[str, float], depth: int, iterations: int, test: TestSet
) -> Followed:
    """Follow a classical solver over its iterations, ``depth`` of which are timed.

    Its label tells the hyperparameters that are searched for.
    """
    solver, b = solver_class(torch.from_numpy(test.A), hyper), torch.from_numpy(test.b)
    told = [
        f"{word} = {solver.hyper[name]:g}" for name, word in SHOWN.items() if solver.hyper.get(name)
    ]
    label = f"{solver.label} ({', '.join(told)})" if told else solver.label
    iterates = _solved(lambda b: solver.run(b, iterations), test)
    (seconds,) = fastest([lambda: solver.run(b, depth)])
    lam = solver.hyper.get("lam", math.nan)
    return Followed("classical", label, iterates, depth, seconds, lam=lam)


def follow_oracle(label: str, test: TestSet, layers: int) -> Followed:
    """Return the oracle's constant line over as many layers."""
    estimate = oracle_estimate(test.A, test.b, test.x)
    return Followed("oracle", label, [estimate] * (layers + 1), layers)


def last_error(
    solver_class: type, hyper: Mapping[str, float], iterations: int, test: TestSet
) -> float:
    """Return the mean NMSE in dB after the last iteration, what a search goes by."""
    iterates = _solved(solver_class(torch.from_numpy(test.A), hyper).run, test, iterations)
    return float(sample_nmse_db(iterates[-1], test.x).mean())


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
    taken = fastest([partial(solve, b) for solve, *_ in solvers.values()])
    for (name, (_, layers, last)), seconds in zip(solvers.items(), taken, strict=True):
        rows += [
            {"method": name, "iteration": k, "seconds": seconds * k / layers, "batch": len(b)}
            for k in range(1, last + 1)
        ]
    return rows


@torch.no_grad()
def fastest(runs: Sequence[Callable[[], Any]]) -> list[float]:
    """Return the seconds of each run, the fastest of some rounds in which all have their turn."""
    seconds = [math.inf] * len(runs)
    for _ in range(REPEATS):
        for number, run in enumerate(runs):
            began = time.perf_counter()
            run()
            seconds[number] = min(seconds[number], time.perf_counter() - began)
    return seconds


@torch.no_grad()
def _solved(solve: Callable[..., list[Tensor]], test: TestSet, *given: Any) -> list[np.ndarray]:
    """Return the iterates of a batch solver, x_0 = 0 the first."""
    iterates = solve(torch.from_numpy(test.b), *given)
    return [np.zeros_like(test.x), *(iterate.numpy() for iterate in iterates)]
