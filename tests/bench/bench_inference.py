"""Time of `Solver.solve` in float32 beside that of its matrix products alone.

Sixteen layers of (256, 512) on 1,024 samples. The products are the same ones as in the layers, into
memory that is there already: what no implementation of the layers can save. Both in turns, the
fastest of each counts; in seconds of the processor where there is one thread, so that other work on
the machine counts less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.continued import Continued
from l2o.optimizers.registry import methods
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.seeds import named_generator
from l2o.solvers.solver import About, Solver

METHODS = ("alista", "lista_cpss", "lista_cp", "tilista", "step_lista", "lamp", "glista", "lista")


@dataclass(frozen=True)
class Size:
    """Of the measurements, the signals, the net and the data."""

    m: int = 256
    n: int = 512
    depth: int = 16
    samples: int = 1024


def problem(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Return A, (m, n), and measurements of sparse signals, (samples, m), float32."""
    generator = named_generator(0, "inference")
    A = generator.standard_normal((size.m, size.n))
    A /= np.linalg.norm(A, axis=0)
    x = generator.standard_normal((size.samples, size.n))
    x *= generator.random(x.shape) < 0.1
    return A, (x @ A.T).astype(np.float32)


@torch.no_grad()
def solver_of(method: str, A: np.ndarray, depth: int) -> Solver:
    """Return a net with thresholds as a training leaves them: falling from layer to layer."""
    exact = torch.from_numpy(A)
    net: UnrolledNet = methods("unrolled")[method].load()(exact, depth, {}).requires_grad_(False)
    for k, threshold in enumerate(getattr(net, "log_threshold", [])):
        threshold.copy_(threshold.new_tensor(0.3 * 0.8**k).log())
    about = About("unrolled", "recovery", depth, depth)
    return Solver(Continued(net, Fista(exact, {})), exact, None, about)


@torch.no_grad()
def products(method: str, A: np.ndarray, size: Size, rows: int) -> Callable[[], None]:
    """Return a call that makes the matrix products of all layers and nothing else."""
    there = torch.from_numpy(A).float()
    W, square = there.clone(), torch.zeros(size.n, size.n)
    x = torch.from_numpy(named_generator(0, "x").standard_normal((size.samples, size.n))).float()
    residual, v = torch.empty(rows, size.m), torch.empty(rows, size.n)

    def run() -> None:
        for at in range(0, size.samples, rows):
            part = x[at : at + rows]
            for _ in range(size.depth):
                torch.mm(part, there.T, out=residual[: len(part)])
                torch.mm(residual[: len(part)], W, out=v[: len(part)])
                if method == "lista":
                    torch.mm(part, square, out=v[: len(part)])

    return run


def ratio(method: str, size: Size, turns: int, rows: int | None, clock) -> tuple[float, float]:
    """Return the seconds of the products alone, and those of the solver in units of them."""
    A, b = problem(size)
    solver = solver_of(method, A, size.depth)
    solver.batch = rows or solver.batch
    calls = products(method, A, size, min(solver.batch, size.samples)), lambda: solver.solve(b)
    best = [float("inf")] * 2
    for _ in range(turns + 1):  # the first one warms up
        for number, call in enumerate(calls):
            began = clock()
            call()
            best[number] = min(best[number], clock() - began)
    return best[0], best[1] / best[0]


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, help="samples solved at once, in place of its own")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    clock = time.process_time if given.threads == 1 else time.perf_counter
    print(f"{given.threads} thread(s), float32, {Size()}\n")
    print("| method | products alone, ms | solver / products |\n|:--|--:|--:|")
    for method in given.methods:
        seconds, times = ratio(method, Size(), given.turns, given.rows, clock)
        print(f"| {method} | {1e3 * seconds:.0f} | {times:.2f} |", flush=True)


if __name__ == "__main__":
    main()
