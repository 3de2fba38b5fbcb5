"""Evaluation on sparse recovery: every layer, in float64, with both NMSE conventions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.metrics import pooled_nmse_db, sample_nmse_db
from l2o.optimizers.oracle import oracle_estimate

REPEATS = 3  # timed runs of a solver; the fastest counts


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
    iterates : x_0 (the start), x_1, ..., each (samples, n)
    seconds : of a whole solve, for all samples together; NaN where it means nothing
    parameters : learned ones
    lam : LASSO weight of the solver; NaN without
    """

    kind: str
    label: str
    iterates: Sequence[np.ndarray]
    seconds: float = math.nan
    parameters: int = 0
    lam: float = math.nan


def curve_rows(followed: Followed, test: TestSet) -> list[dict[str, Any]]:
    """Return one row of the tidy table for each layer, layer 0 (the start) included.

    The status is ``diverged`` where the last iterate is not finite or not better than x = 0.
    """
    values = [sample_nmse_db(iterate, test.x) for iterate in followed.iterates]
    last = float(values[-1].mean())
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
    """Return what the last layer is worth: samples, failed ones (not below 0 dB), the tail."""
    last = sample_nmse_db(followed.iterates[-1], test.x)
    with np.errstate(invalid="ignore"):
        failed, tail = ~(last < 0), float(np.quantile(last, 0.99))
    row = {"variant": "main", "kind": followed.kind, "label": followed.label, "runs": len(last)}
    row |= {"failed": int(failed.sum()), "nmse_db": float(last.mean())}
    pooled = pooled_nmse_db(followed.iterates[-1], test.x)
    return row | {"nmse_pooled_db": pooled, "nmse_p99_db": tail}


def follow_net(net: Any, test: TestSet) -> Followed:
    """Follow a trained net over its layers."""
    net = net.double().requires_grad_(False)
    count = sum(parameter.numel() for parameter in net.parameters())
    return Followed("unrolled", net.label, *_solved(net, test), parameters=count)


def follow_solver(
    solver_class: type,
    hyper: dict[str, float],
    iterations: int,
    lam_grid: list[float],
    validation: TestSet,
    test: TestSet,
) -> Followed:
    """Follow a classical solver over its iterations.

    A solver with a LASSO weight gets the one of ``lam_grid`` that is best on the validation set
    after the last iteration: its fairest chance at this number of iterations.
    """
    A = torch.from_numpy(test.A)
    lam, label = math.nan, solver_class.label
    if "lam" in solver_class.hyperparameters:

        def score(candidate: float) -> float:
            solver = solver_class(A, {**hyper, "lam": candidate})
            last = solver.run(torch.from_numpy(validation.b), iterations)[-1]
            value = float(sample_nmse_db(last.numpy(), validation.x).mean())
            return math.inf if math.isnan(value) else value

        lam = min(lam_grid, key=score)
        hyper, label = {**hyper, "lam": lam}, f"{label} (λ = {lam:g})"
    solver = solver_class(A, hyper)
    solved = _solved(lambda b: solver.run(b, iterations), test)
    return Followed("classical", label, *solved, lam=lam)


def follow_oracle(label: str, test: TestSet, layers: int) -> Followed:
    """Return the oracle's constant line over as many layers."""
    estimate = oracle_estimate(test.A, test.b, test.x)
    return Followed("oracle", label, [estimate] * (layers + 1))


@torch.no_grad()
def _solved(
    solve: Callable[[Tensor], list[Tensor]], test: TestSet
) -> tuple[list[np.ndarray], float]:
    """Return the iterates of a batch solver from x = 0, and its seconds, fastest of some runs."""
    measurements, seconds = torch.from_numpy(test.b), math.inf
    for _ in range(REPEATS):
        began = time.perf_counter()
        iterates = solve(measurements)
        seconds = min(seconds, time.perf_counter() - began)
    return [np.zeros_like(test.x), *(iterate.numpy() for iterate in iterates)], seconds
