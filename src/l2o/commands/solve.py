"""The command that solves a user's own problems with a trained net or optimizer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click import format_filename

from l2o.errors import InputError

if TYPE_CHECKING:
    from l2o.solvers.solver import Solver
    from l2o.storage.arrays import StoredArray


def solve(
    optimizer: Path,
    dictionary: Path,
    measurements: Path,
    out: Path,
    key: str,
    dictionary_key: str,
    iterations: int | None,
    safeguard: bool,
    lam: float | None,
    threads: int,
) -> str:
    """Solve batch by batch from file to file; return a summary.

    The file ``out`` holds ``x`` (samples, n), for LASSO ``objective`` (samples,), with a safeguard
    ``fallbacks`` (samples,), and what made them as attributes.

    Raises
    ------
    InputError : bad files or options; ``out`` is then as it was.
    """
    from l2o.compute import prepare_device
    from l2o.solvers.opening import load_solver
    from l2o.storage.arrays import opened_array

    for path in (optimizer, dictionary, measurements):
        if path.resolve() == out.resolve():
            raise InputError(out, "", "is an input as well", "write to another file")
    prepare_device("cpu", threads)
    with opened_array(dictionary, dictionary_key, "m x n", "--dictionary-key") as stored:
        A = stored.rows(0, stored.shape[0])
    solver = load_solver(optimizer, A, lam, source=f"{dictionary}: {dictionary_key}")
    began, count = time.perf_counter(), solver.iterations(iterations, safeguard)
    with opened_array(measurements, key, "samples x m") as b:
        solver.check_measurements(b.dataset, measurements, key)
        attributes = _attributes(solver, optimizer, count, safeguard)
        parts = [
            f"{solver.label}, trained on {solver.setting}: {b.shape[0]} samples",
            f"{count} iterations each",
            *_solve_all(solver, b, out, count, safeguard, attributes),
        ]
    seconds = time.perf_counter() - began
    return f"{', '.join(parts)}, {seconds:.3g} s; {out}"


def _attributes(
    solver: Solver, checkpoint: Path, iterations: int, safeguard: bool
) -> dict[str, Any]:
    from l2o.artifacts.proof import file_hash

    about = {"method": solver.name, "setting": solver.setting}
    about |= {"checkpoint": format_filename(checkpoint), "checkpoint_sha256": file_hash(checkpoint)}
    about |= {"iterations": iterations, "safeguard": safeguard}
    return about if solver.lam is None else {**about, "lam": solver.lam}


def _solve_all(
    solver: Solver,
    b: StoredArray,
    out: Path,
    iterations: int,
    safeguard: bool,
    attributes: dict[str, Any],
) -> list[str]:
    """Write the solutions; return what is to be said of them."""
    import shutil

    import numpy as np
    from tqdm import tqdm

    from l2o.storage.atomic import ended_in_order, remove_leftovers
    from l2o.storage.hdf5 import created, describe
    from l2o.storage.paths import SPACE

    samples, n = b.shape[0], solver.A.shape[1]
    total, sound, taken = 0.0, 0, 0
    remove_leftovers(out)
    with ended_in_order(), created(out, attributes) as file:
        if (needed := 8 * samples * n) > (free := shutil.disk_usage(out.parent).free):
            problem = f"{needed / 1e9:.3g} GB are needed, and {free / 1e9:.3g} GB are free"
            raise InputError(out, "", problem, SPACE)
        describe(file.create_dataset("x", (samples, n), "f8"), "samples x n", "solution x")
        if solver.lam is not None:
            made = file.create_dataset("objective", (samples,), "f8")
            describe(made, "samples", "0.5 ||A x - b||^2 + lam ||x||_1")
        if safeguard:
            made = file.create_dataset("fallbacks", (samples,), "i8")
            describe(made, "samples", "steps of the safeguard in place of learned ones")
        for at in tqdm(range(0, samples, solver.batch), unit="batch", disable=None):
            rows = slice(at, min(at + solver.batch, samples))
            found = solver.solve(b.rows(rows.start, rows.stop), iterations, safeguard)
            for name in file:
                file[name][rows] = getattr(found, name)
            f = found.x.sum(axis=1) if found.objective is None else found.objective
            finite = np.isfinite(f)
            total, sound = total + float(f[finite].sum()), sound + int(finite.sum())
            taken += int(found.fallbacks.sum()) if safeguard else 0
    said = []
    if solver.lam is not None:
        mean = total / sound if sound else float("nan")
        said.append(f"mean objective {mean:.6g} (lam {solver.lam:g})")
    if sound < samples:
        said.append(f"{samples - sound} DIVERGED and not in the mean (try --safeguard)")
    if safeguard:
        said.append(f"{taken / samples:.4g} steps of the safeguard each")
    return said
