"""The command that trains a solver for a user's dictionary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2o.errors import InputError

if TYPE_CHECKING:
    import numpy as np

UNFINISHED = ".unfinished"  # added to the name of the output: folder of a training's state


def fit(
    dictionary: Path,
    dictionary_key: str,
    signals: Path | None,
    signals_key: str,
    measurements: Path | None,
    key: str,
    out: Path,
    setting: tuple[str, ...],
    **options: Any,
) -> str:
    """Train a solver from files to a file; return a summary.

    An interrupted call goes on where it was, from a folder beside ``out``.

    Raises
    ------
    InputError : bad files or options; ``out`` is then as it was.
    """
    from l2o.solvers.fit import fit
    from l2o.storage.matrices import read_array

    for path in (dictionary, signals, measurements):
        if path is not None and path.resolve() == out.resolve():
            raise InputError(out, "", "is an input as well", "write to another file")
    A = read_array(dictionary, dictionary_key, "m x n", "--dictionary-key", "A")
    given: dict[str, np.ndarray] = {}
    if signals is not None:
        given["signals"] = read_array(signals, signals_key, "samples x n", "--signals-key", "x")
    if measurements is not None:
        given["measurements"] = read_array(measurements, key, "samples x m", "--key", "b")
    kept = out.with_name(out.name + UNFINISHED)
    hyper = dict(map(_assignment, setting))
    solver = fit(A, **given, **options, hyperparameters=hyper, keep=kept)
    solver.save(out)
    return f"{solver}; {out}"


def compare(
    dictionary: Path,
    dictionary_key: str,
    signals: Path | None,
    signals_key: str,
    measurements: Path,
    key: str,
    optimizer: tuple[Path | str, ...],
    methods: str,
    lam: float | None,
    threads: int,
    figure: Path | None,
) -> str:
    """Compare solvers on data from files; return the table.

    Raises
    ------
    InputError : bad files or options.
    """
    from l2o.solvers.comparison import compare
    from l2o.solvers.opening import load
    from l2o.storage.matrices import read_array

    A = read_array(dictionary, dictionary_key, "m x n", "--dictionary-key", "A")
    b = read_array(measurements, key, "samples x m", "--key", "b")
    x = None
    if signals is not None:
        x = read_array(signals, signals_key, "samples x n", "--signals-key", "x")
    solvers = [load(name, A, lam) for name in optimizer]
    recurrent = any(one.about.kind == "recurrent" for one in solvers)
    if x is not None and recurrent:
        lam = None  # it was for those: with signals, that of classical methods is tuned
    names = None if not methods else [name.strip() for name in methods.split(",")]
    found = compare(A, b, x, solvers=solvers, methods=names, lam=lam, threads=threads)
    if figure is None:
        return str(found)
    from l2o.figures.solvers import draw

    draw(found, figure)
    return f"{found}\n{figure}"


def _assignment(text: str) -> tuple[str, float]:
    """Return name and value of ``name=value``."""
    name, equals, value = text.partition("=")
    try:
        return name, float(value if equals else "none")
    except ValueError:
        problem = f"{text!r} is not NAME=NUMBER"
        raise InputError("--setting", "", problem, "write it like lam=0.1") from None
