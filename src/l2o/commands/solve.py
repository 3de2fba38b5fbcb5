"""The command that solves a user's own problems with a trained net or optimizer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click import format_filename

import l2o.weights as weights
from l2o.errors import InputError

if TYPE_CHECKING:
    from l2o.solvers.solver import Solver
    from l2o.storage.arrays import StoredArray


def solve(
    optimizer: Path | str | None,
    method: str | None,
    dictionary: Path | None,
    measurements: Path,
    out: Path,
    key: str,
    dictionary_key: str,
    iterations: int | None,
    safeguard: bool,
    lam: float | None,
    dtype: str,
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
    from l2o.solvers.entrance import precision
    from l2o.storage.matrices import opened_matrix

    for path in (optimizer, dictionary, measurements):
        if isinstance(path, Path) and path.resolve() == out.resolve():
            raise InputError(out, "", "is an input as well", "write to another file")
    prepare_device("cpu", threads)
    solver = _solver(optimizer, method, dictionary, dictionary_key, lam)
    began, count = time.perf_counter(), solver.iterations(iterations, safeguard)
    with opened_matrix(measurements, key, "samples x m", "--key", "b") as b:
        solver.check_measurements(b, measurements, b.key)
        kind = precision(dtype or None, b)
        attributes = _attributes(solver, optimizer, count, safeguard)
        where = f", trained on {solver.setting}" if solver.setting else ""
        parts = [
            *solver.about.notes,
            f"{solver.label}{where}: {b.shape[0]} samples",
            f"{count} iterations each",
            *_solve_all(solver, b, out, count, safeguard, kind, attributes),
        ]
    seconds = time.perf_counter() - began
    return f"{', '.join(parts)}, {seconds:.3g} s; {out}"


def _solver(
    optimizer: Path | str | None,
    method: str | None,
    dictionary: Path | None,
    key: str,
    lam: float | None,
) -> Solver:
    """Return the solver that a user names."""
    from l2o.solvers.opening import load, solver
    from l2o.storage.matrices import opened_matrix

    if (optimizer is None) == (method is None):
        problem = "and --method were both given" if method else "is missing, and so is --method"
        raise InputError("--optimizer", "", problem, "give one of them")
    if dictionary is None:
        if method is not None:
            raise InputError("--dictionary", "", "is missing", "name a file with A")
        return load(optimizer, None, lam, solving=True)
    with opened_matrix(dictionary, key, "m x n", "--dictionary-key", "A") as stored:
        A, source = stored.rows(0, stored.shape[0]), f"{dictionary}: {stored.key}"
    source = source.removesuffix(": ")
    if method is not None:
        return solver(method, A, lam, source=source)
    return load(optimizer, A, lam, source)


def _attributes(
    solver: Solver, checkpoint: Path | str | None, iterations: int, safeguard: bool
) -> dict[str, Any]:
    from l2o.artifacts.proof import file_hash

    about = {"method": solver.name, "setting": solver.setting}
    if checkpoint is not None:
        path = checkpoint if isinstance(checkpoint, Path) else weights.path(checkpoint)
        about["checkpoint"] = format_filename(checkpoint)
        about["checkpoint_sha256"] = file_hash(path)
    about |= {"iterations": iterations, "safeguard": safeguard}
    return about if solver.lam is None else {**about, "lam": solver.lam}


def _solve_all(
    solver: Solver,
    b: StoredArray,
    out: Path,
    iterations: int,
    safeguard: bool,
    kind: type,
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
    total, sound, taken, single = 0.0, 0, 0, kind is np.float32
    code = "f4" if single else "f8"
    remove_leftovers(out)
    with ended_in_order(), created(out, attributes) as file:
        if (needed := int(code[1]) * samples * n) > (free := shutil.disk_usage(out.parent).free):
            problem = f"{needed / 1e9:.3g} GB are needed, and {free / 1e9:.3g} GB are free"
            raise InputError(out, "", problem, SPACE)
        describe(file.create_dataset("x", (samples, n), code), "samples x n", "solution x")
        if solver.lam is not None:
            made = file.create_dataset("objective", (samples,), code)
            describe(made, "samples", "0.5 ||A x - b||^2 + lam ||x||_1")
        if safeguard:
            made = file.create_dataset("fallbacks", (samples,), "i8")
            describe(made, "samples", "steps of the safeguard in place of learned ones")
        for at in tqdm(range(0, samples, solver.batch), unit="batch", disable=None):
            rows = slice(at, min(at + solver.batch, samples))
            given = b.rows(rows.start, rows.stop, single)
            found = solver.solve(given, iterations, safeguard, kind)
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
