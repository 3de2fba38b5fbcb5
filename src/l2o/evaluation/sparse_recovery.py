"""Evaluation on sparse recovery: every layer, in float64, with both NMSE conventions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
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
class Method:
    """What the table says of a method beside its curve."""

    name: str
    kind: str
    label: str
    parameters: int = 0
    lam: float = math.nan


def curve_rows(method: Method, iterates: Iterable[np.ndarray], test: TestSet) -> list[dict]:
    """Return one row of the tidy table for each layer, layer 0 (x = 0) included.

    The status is ``diverged`` where the last iterate is not finite or worse than x = 0.
    """
    values = [sample_nmse_db(np.zeros_like(test.x), test.x)]
    pooled = [0.0]
    for iterate in iterates:
        values.append(sample_nmse_db(iterate, test.x))
        pooled.append(pooled_nmse_db(iterate, test.x))
    last = float(values[-1].mean())
    status = "diverged" if math.isnan(last) or last > 0 else "converged"
    rows = []
    for layer, (sample, total) in enumerate(zip(values, pooled, strict=True)):
        with np.errstate(invalid="ignore"):  # between two infinities
            low, middle, high = np.quantile(sample, [0.25, 0.5, 0.75])
        rows.append(
            {
                "method": method.name,
                "kind": method.kind,
                "label": method.label,
                "layer": layer,
                "nmse_db": float(sample.mean()),
                "nmse_pooled_db": total,
                "nmse_q25_db": float(low),
                "nmse_median_db": float(middle),
                "nmse_q75_db": float(high),
                "lam": method.lam,
                "parameters": method.parameters,
                "status": status,
            }
        )
    return rows


@torch.no_grad()
def solve_timed(
    solve: Callable[[Tensor], list[Tensor]], b: np.ndarray
) -> tuple[list[np.ndarray], float]:
    """Return the iterates of a batch solver and its seconds a sample, fastest of some runs."""
    measurements = torch.from_numpy(b)
    seconds = math.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        iterates = solve(measurements)
        seconds = min(seconds, time.perf_counter() - start)
    return [iterate.numpy() for iterate in iterates], seconds / len(b)


def evaluate_unrolled(net: Any, test: TestSet) -> tuple[list[dict], float]:
    """Return the curve of a trained net, (K + 1) rows, and its seconds a sample."""
    net = net.double().requires_grad_(False)
    method = Method(net.name, "unrolled", net.label, trained_count(net))
    iterates, seconds = solve_timed(net, test.b)
    return curve_rows(method, iterates, test), seconds


def evaluate_all(
    nets: Iterable[Any],
    classical: dict[type, dict[str, float]],
    depth: int,
    lam_grid: list[float],
    validation: TestSet,
    test: TestSet,
) -> tuple[list[dict], list[dict]]:
    """Evaluate nets, classical solvers and the oracle; return rows of curves and of seconds.

    Parameters
    ----------
    nets : trained nets; each is asked for once and may be dropped afterwards
    classical : fixed hyperparameters by solver class
    depth : iterations of the solvers
    lam_grid : candidates for the LASSO weight of the solvers
    """
    rows, seconds = [], []

    def add(name: str, result: tuple[list[dict], float]) -> None:
        rows.extend(result[0])
        seconds.append({"method": name, "seconds_per_sample": result[1]})

    for net in nets:
        add(net.name, evaluate_unrolled(net, test))
    for solver, hyper in classical.items():
        add(solver.name, evaluate_classical(solver, hyper, depth, lam_grid, validation, test))
    rows.extend(evaluate_oracle(test, depth))
    return rows, seconds


def trained_count(net: torch.nn.Module) -> int:
    """Return the number of learned parameters."""
    return sum(parameter.numel() for parameter in net.parameters())


def evaluate_classical(
    solver_class: type,
    hyper: dict[str, float],
    iterations: int,
    lam_grid: list[float],
    validation: TestSet,
    test: TestSet,
) -> tuple[list[dict], float]:
    """Return the curve of a classical solver and its seconds a sample.

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
    iterates, seconds = solve_timed(lambda b: solver.run(b, iterations), test.b)
    method = Method(solver.name, "classical", label, 0, lam)
    return curve_rows(method, iterates, test), seconds


def evaluate_oracle(test: TestSet, layers: int) -> list[dict]:
    """Return the oracle's constant line as ``layers`` + 1 rows."""
    estimate = oracle_estimate(test.A, test.b, test.x)
    rows = curve_rows(Method("oracle", "oracle", "Oracle support"), [estimate], test)
    return [{**rows[1], "layer": layer} for layer in range(layers + 1)]
