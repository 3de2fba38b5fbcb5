"""Time to solve a test set to a given precision: trained nets and solvers without training.

Two tasks: 1,280 LASSO instances of size (25, 50) to a relative loss of 1e-2 (paper, eq. 19), and
1,024 signals of size (256, 512) to a mean NMSE of -40 dB. Every method first looks for the least
effort that is enough (layers, iterations, tolerance, weight of the 1-norm); then the found runs are
timed in turns, one thread each. Needs the checkpoints of figures 5 and 6.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as CoordinateDescent
from threadpoolctl import threadpool_limits

from l2o.metrics import mean_nmse_db
from l2o.optimizees.lasso import load_lasso
from l2o.optimizees.lasso_optimum import lasso_objective
from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.continued import Continued
from l2o.optimizers.protocol import iterates
from l2o.optimizers.trained import load_net, load_recurrent
from l2o.storage.hdf5 import read_dictionary
from l2o.storage.sets import read_split

LASSO_GOAL, NMSE_GOAL = 1e-2, -40.0
TOLERANCES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6)
WEIGHTS = (0.02, 0.01, 0.005, 0.002, 0.001, 0.0005)  # of the 1-norm, for recovery
MOST = 3000  # iterations
Good = Callable[[np.ndarray], bool]


@dataclass(frozen=True)
class Run:
    """A method with the effort that it needs, and a call that makes it."""

    method: str
    effort: str
    call: Callable[[], np.ndarray]


def first_good(steps: Iterable[torch.Tensor], good: Good) -> int | None:
    """Return the first iteration, from 1, that is good enough."""
    for k, x in enumerate(islice(steps, MOST), start=1):
        if good(x.double().numpy()):
            return k
    return None


def iterative(method: str, optimizer, problem, start: torch.Tensor, good: Good) -> Run | None:
    """Return the shortest run of an optimizer."""
    k = first_good(iterates(optimizer, problem, start), good)
    if k is None:
        return None
    last = lambda: next(islice(iterates(optimizer, problem, start), k - 1, None)).numpy()  # noqa: E731
    return Run(method, f"{k} iterations", last)


def coordinate_descent(A: np.ndarray, b: np.ndarray, lams, good: Good) -> Run | None:
    """Return the fastest good run of scikit-learn's Lasso, instance by instance as it does."""
    found: list[tuple[float, Run]] = []
    for lam in lams:
        for tolerance in TOLERANCES:
            solver = CoordinateDescent(
                lam / len(A), fit_intercept=False, tol=tolerance, max_iter=20_000
            )
            call = lambda solver=solver: solver.fit(A, b.T).coef_  # noqa: E731
            began = time.perf_counter()
            x = call()
            seconds = time.perf_counter() - began
            if good(x):
                run = Run("scikit-learn", f"tol {tolerance:g}, lam {lam:g}", call)
                found.append((seconds, run))
                break
    return min(found, key=lambda pair: pair[0])[1] if found else None


def lasso_runs(results: Path) -> list[Run | None]:
    """Return the runs of the first task."""
    data = results / "fig6/sets/m25_n50.h5"
    A, folder = read_dictionary(data), results / "fig6/checkpoints/m25_n50"
    lasso = load_lasso(data, A, lam=0.005)
    low, optimum = lasso.to(torch.float32), float(lasso.optimum.mean())

    def good(x: np.ndarray) -> bool:
        loss = lasso_objective(A, lasso.b.numpy(), lasso.lam, x).mean() - optimum
        return loss <= LASSO_GOAL * optimum

    start = torch.zeros(len(lasso.b), A.shape[1])
    fista = Fista(low.A, {"lam": lasso.lam})
    runs = [iterative("FISTA", fista, low, start, good)]
    for name in ("lista", "alista"):
        net = load_net(folder / f"{name}.safetensors", A).requires_grad_(False)
        runs.append(iterative(net.label, Continued(net, fista), low, start, good))
    optimizer = load_recurrent(folder / "l2o_rnnprop.safetensors").requires_grad_(False)
    runs.append(iterative(optimizer.label, optimizer, low, start, good))
    runs.append(coordinate_descent(A, lasso.b.numpy(), [lasso.lam], good))
    return runs


def recovery_runs(results: Path) -> list[Run | None]:
    """Return the runs of the second task."""
    data = results / "fig5/sets/noiseless.h5"
    A, folder = read_dictionary(data), results / "fig5/checkpoints/noiseless"
    b, x = (array.astype(np.float64) for array in read_split(data, "test"))
    low = torch.from_numpy(b).float()

    def good(estimate: np.ndarray) -> bool:
        return mean_nmse_db(estimate, x) <= NMSE_GOAL

    tries = []
    for lam in WEIGHTS:
        solver = Fista(torch.from_numpy(A).float(), {"lam": lam})
        measured = type("Measured", (), {"b": low})
        start = torch.zeros(len(b), A.shape[1])
        run = iterative("FISTA", solver, measured, start, good)
        if run:
            tries.append((int(run.effort.split()[0]), lam, run))
    runs: list[Run | None] = [None]
    if tries:
        _, lam, run = min(tries, key=lambda entry: entry[0])
        runs = [Run(run.method, f"{run.effort}, lam {lam:g}", run.call)]
    for path in sorted(folder.glob("*.safetensors")):
        net = load_net(path, A).requires_grad_(False)
        k = first_good(net(low), good)
        if k is not None:
            call = lambda net=net, k=k: net(low, k)[-1].numpy()  # noqa: E731
            runs.append(Run(net.label, f"{k} layers", call))
    runs.append(coordinate_descent(A, b, [lam for lam in WEIGHTS if lam >= 0.005], good))
    return runs


def timed(runs: list[Run], turns: int) -> list[tuple[Run, float]]:
    """Return the median seconds of each run, made in turns."""
    seconds: dict[str, list[float]] = {run.method: [] for run in runs}
    for _ in range(turns):
        for run in runs:
            began = time.perf_counter()
            run.call()
            seconds[run.method].append(time.perf_counter() - began)
    return [(run, median(seconds[run.method])) for run in runs]


def table(title: str, runs: list[Run | None], turns: int) -> str:
    """Return a Markdown table, the fastest method first; ratios are to FISTA."""
    rows = sorted(timed([run for run in runs if run], turns), key=lambda pair: pair[1])
    fista = next((seconds for run, seconds in rows if run.method == "FISTA"), float("nan"))
    lines = [f"## {title}", "", "| method | effort | s | FISTA / method |", "|:--|:--|--:|--:|"]
    lines += [f"| {r.method} | {r.effort} | {s:.4f} | {fista / s:.2f} |" for r, s in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the tables as Markdown and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--results", type=Path, default=Path("results/laptop"))
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    warnings.simplefilter("ignore", ConvergenceWarning)
    with torch.no_grad(), threadpool_limits(1):
        tables = [
            table(
                "1,280 LASSO instances (25, 50) to relative loss 1e-2",
                lasso_runs(given.results),
                given.turns,
            ),
            table(
                "1,024 signals (256, 512) to NMSE -40 dB", recovery_runs(given.results), given.turns
            ),
        ]
    text = f"# Solvers\n\nOne thread, float32 but for scikit-learn, {given.turns} turns.\n\n"
    text += "\n".join(tables)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
