"""Solvers side by side on the same measurements: error against iterations and seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import torch

from l2o.columns import aligned
from l2o.errors import InputError
from l2o.solvers.arguments import check_number, check_threads
from l2o.solvers.dictionary import rescaled
from l2o.solvers.entrance import array
from l2o.solvers.measures import Measure, Recovery, Suboptimality
from l2o.solvers.opening import SAME
from l2o.solvers.opening import solver as classical
from l2o.solvers.samples import lower_bounds, rows_of
from l2o.solvers.solver import Solver

MOST = 1000  # iterations of a classical method that count as converged
PASSED = 200  # of message passing, which settles in tens
POINTS = 40  # of a curve
SAMPLES = 512  # compared on, at most
TUNED_ON = 128  # other samples, at most
REPEATS = 3  # timed runs; the fastest counts
# Settings tried for each classical opponent, the best on samples of their own.
LAMS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)  # times the mean of max |A^T b|
TOLERANCES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.0)  # times ||b||
ALPHAS = (0.8, 1.1, 1.5)
MINIMISERS = ("ista", "fista")  # of LASSO
# By whether LASSO is the aim. The last two know nothing of the signals, and nothing is tried for
# them: what they assume, many zeros, is estimated from each sample.
OPPONENTS = {False: ("fista", "omp", "amp", "em_bg_amp", "em_vamp"), True: ("fista",)}


@dataclass(frozen=True)
class Curve:
    """The way of a solver.

    Parameters
    ----------
    method : its name
    label : of the method, with its settings
    iterations : at the points, (points,)
    seconds : until then, for all samples together, (points,)
    errors : dB, (points, samples)
    """

    method: str
    label: str
    iterations: np.ndarray
    seconds: np.ndarray
    errors: np.ndarray

    def mean(self, point: int) -> float:
        """Return the mean error at a point, infinity where a sample diverged."""
        value = float(self.errors[point].mean())
        return value if math.isfinite(value) else math.inf


@dataclass(frozen=True)
class Row:
    """A line of the table: a solver at some point of its curve."""

    method: str
    when: str
    iterations: int
    microseconds: float  # a sample
    mean: float
    median: float
    tail: float  # 95 % of the samples are below
    failed: float  # share


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` found; ``print`` shows it.

    Parameters
    ----------
    measure, fails : in words
    samples : compared on
    rows : of the table
    curves : of the methods, the trained ones first
    advice : who is better served by what
    """

    measure: str
    fails: str
    samples: int
    rows: tuple[Row, ...]
    curves: tuple[Curve, ...]
    advice: str

    def __str__(self) -> str:
        head = ("method", "when", "iterations", "us/sample", "mean dB", "median", "95 %", "failed")
        lines = [head, *(_words(row) for row in self.rows)]
        foot = f"{self.measure} on {self.samples:,} samples held out; failed: {self.fails}."
        return "\n".join([aligned(lines, 2), foot, *([self.advice] if self.advice else [])])


def compare(
    A: Any,
    measurements: Any,
    signals: Any = None,
    *,
    solvers: Iterable[Solver] = (),
    methods: Iterable[str] | None = None,
    lam: float | None = None,
    threads: int | None = None,
) -> Comparison:
    """Compare trained solvers with classical methods on data of your own.

    Classical methods are tuned on a fifth of the samples, at most 128, and all are compared on the
    others, at most 512.

    Parameters
    ----------
    A : dictionary, (m, n), columns of any norm
    measurements : b, (samples, m), at least 20
    signals : x, (samples, n): methods are judged by their distance to them; without them by the
        LASSO objective, which needs ``lam``
    solvers : trained ones for this A, from ``l2o.fit`` or ``l2o.load``
    methods : names of classical ones; by default FISTA, and with signals OMP, AMP, EM-BG-AMP and
        EM-VAMP
    lam : weight of the 1-norm, without signals; with them that of each classical method is tuned
    threads : of the CPU; by default as many as torch has

    Returns
    -------
    the table and the curves, :class:`Comparison`

    Raises
    ------
    InputError : bad data; neither signals nor lam, or both; a solver that is none, or is for
        another A or, without signals, another lam; an unknown method.
    """
    from l2o.solvers.fitting import steady

    _check_numbers(signals, lam, threads)
    solvers, names = _listed("solvers", solvers), OPPONENTS[signals is None]
    if methods is not None:
        names = tuple(map(str, _listed("methods", methods)))
    unit, norms, b, x = _taken(A, measurements, signals)
    for one in solvers:
        _require_of(unit, norms, lam, one)
    tuned = min(TUNED_ON, len(b) // 5)
    parts = slice(tuned, tuned + SAMPLES), slice(tuned)
    if x is not None:
        measures = [Recovery(x[part]) for part in parts]
    else:
        measures = [suboptimality(unit, norms, b[part], lam) for part in parts]
    user = unit * norms
    with steady(threads):
        return compared(
            solvers, names, user, (b[parts[0]], measures[0]), (b[parts[1]], measures[1]), lam
        )


def _check_numbers(signals: Any, lam: Any, threads: Any) -> None:
    """Refuse a weight or a number of threads that cannot be."""
    if signals is None and lam is None:
        problem = "are missing, and so is lam"
        remedy = "give signals to be near to, or the weight lam of a LASSO to be minimised"
        raise InputError("signals", "", problem, remedy)
    if signals is not None and lam is not None:
        problem = "was given, and signals, to which it is tuned"
        raise InputError("lam", "", problem, "leave one of them out")
    if lam is not None:
        check_number("lam", lam, 0)
    check_threads(threads)


def _taken(A: Any, measurements: Any, signals: Any) -> tuple[np.ndarray, ...]:
    """Return unit columns, their norms, and the measurements and signals of use, x None without."""
    width = array(measurements, "measurements")
    dictionary = rescaled(A, "A", width.shape[1] if width.ndim == 2 else None)
    m, n = dictionary.A.shape
    b = rows_of(measurements, "measurements", "samples x m", m)
    x = None if signals is None else rows_of(signals, "signals", "samples x n", n)
    if x is not None and len(x) != len(b):
        problem = f"has {len(x)} rows, and measurements {len(b)}"
        raise InputError("signals", "", problem, "give the x of each b, in the same order")
    kept = (b if x is None else x).any(axis=1)
    b, x = b[kept], None if x is None else x[kept]
    if len(b) < 20:
        raise InputError("measurements", "", f"has {len(b)} samples of use", "give 20 or more")
    return dictionary.A, dictionary.norms, b, x


def _listed(name: str, given: Any) -> list[Any]:
    """Return what should be several as a list; refuse what is one, as a name is."""
    if isinstance(given, str | Solver) or not isinstance(given, Iterable):
        raise InputError(name, "", f"{given!r} is no list", "put it into brackets: [...]")
    return list(given)


def _require_of(unit: np.ndarray, norms: np.ndarray, lam: float | None, solver: Any) -> None:
    """Refuse what is no solver, or one for another dictionary, (m, n), or for another LASSO."""
    if not isinstance(solver, Solver):
        remedy = "give what `l2o.fit` returns, or `l2o.load` (of a recurrent optimizer with A)"
        raise InputError("solvers", "", f"{solver!r} is no solver", remedy)
    own = (solver.A if solver.norms is None else solver.A * solver.norms).numpy()
    if own.shape != unit.shape or not np.abs(own / norms - unit).max() <= SAME:
        problem = f"{solver!r} is not for this A (columns compared by direction and norm)"
        raise InputError("solvers", "", problem, "give the A that it was made for, or leave it out")
    if lam is not None and not math.isclose(solver.lam or math.nan, lam, rel_tol=SAME):
        problem = f"{solver!r} is not for lam {lam:g}"
        raise InputError("solvers", "", problem, "give signals, its own lam, or leave it out")


def suboptimality(A: np.ndarray, norms: np.ndarray, b: np.ndarray, lam: float) -> Suboptimality:
    """Return the measure of LASSO on measurements b, (samples, m), of A diag(norms)."""
    return Suboptimality(A, norms, b, lam, lower_bounds(A, b, lam, 3000))


Judged = tuple[np.ndarray, Measure]  # measurements, and what their solutions are judged by


def compared(
    trained: list[Solver],
    names: Iterable[str],
    A: np.ndarray,
    test: Judged,
    validation: Judged,
    lam: float | None,
) -> Comparison:
    """Compare solvers; see :func:`compare`.

    Parameters
    ----------
    trained : the first one sets the time at which others are looked at
    names : of the classical methods
    A : the user's dictionary, (m, n)
    test, validation : measurements, (samples, m), and the measure of their solutions
    lam : weight of the 1-norm, where LASSO is the aim
    """
    curves = [follow(solver, *test, solver.about.default) for solver in trained]
    rows = [row_of(curve, "trained", test[1]) for curve in curves]
    limit, classic = float(curves[0].seconds[-1]) if curves else None, []
    for name in names:
        most = {"omp": A.shape[0] // 2, "em_bg_amp": PASSED, "em_vamp": PASSED}.get(name, MOST)
        tried = [
            (v, follow(v, *validation, most, 1)) for v in variants(name, A, validation[0], lam)
        ]
        best, _ = min(tried, key=lambda pair: pair[1].mean(-1))
        late = follow(best, *test, most, REPEATS if limit else 1, limit or 0.0)
        if limit is not None:
            rows.append(_early(tried, late, limit, test))
        rows.append(row_of(late, "at convergence", test[1]))
        classic.append(late)
    measure, advice = test[1], _advice(rows, [curves[0], *classic]) if trained else ""
    return Comparison(
        measure.name, measure.fails, len(test[0]), tuple(rows), (*curves, *classic), advice
    )


def variants(name: str, A: np.ndarray, b: np.ndarray, lam: float | None) -> list[Solver]:
    """Return a classical method with the settings that are tried for it.

    Parameters
    ----------
    A : the user's dictionary, (m, n)
    b : measurements that tell the sizes, (samples, m)
    lam : weight of the 1-norm, where LASSO is the aim: nothing else is tried then
    """
    first = classical(name, A, lam if name in MINIMISERS else None)
    if lam is not None:
        return [first]
    if name in MINIMISERS:
        size = float(np.abs(b @ first.A.numpy()).max(axis=1).mean())
        return [classical(name, A, size * share) for share in LAMS]
    if name == "omp":
        return [classical(name, A, tolerance=share) for share in TOLERANCES]
    if "alpha" in first.optimizer.hyper:
        return [classical(name, A, alpha=alpha) for alpha in ALPHAS]
    return [first]


@torch.no_grad()
def follow(
    solver: Solver,
    b: np.ndarray,
    measure: Measure,
    most: int,
    repeats: int = REPEATS,
    until: float = math.inf,
) -> Curve:
    """Return the curve of a solver on measurements b, (samples, m), float64.

    Parameters
    ----------
    most : iterations; all are points up to ``POINTS``, then about every tenth more
    repeats : timed runs
    until : seconds after which those but the first end
    """
    measured = torch.from_numpy(np.ascontiguousarray(b))
    optimizer, _ = solver.at(measured.dtype)
    points = sorted({*range(1, min(most, 16) + 1), *np.geomspace(1, most, POINTS).astype(int)})
    seconds, errors = np.full(len(points), np.inf), []
    for repeat in range(repeats):
        problem = solver.problem(measured)
        spent, done = 0.0, 0
        state = optimizer.init(problem, measured.new_zeros(len(b), solver.A.shape[1]))
        for number, point in enumerate(points):
            began = perf_counter()
            for _ in range(point - done):
                state = optimizer.step(problem, state)
            spent, done = spent + perf_counter() - began, point
            seconds[number] = min(seconds[number], spent)
            if not repeat:
                errors.append(measure.errors(solver.outward(state[0]).numpy()))
            elif spent > until:
                break
    return Curve(solver.name, _label(solver), np.array(points), seconds, np.stack(errors))


def row_of(curve: Curve, when: str, measure: Measure, point: int = -1) -> Row:
    """Return the line of the table for a point of a curve."""
    errors = curve.errors[point]
    with np.errstate(invalid="ignore"):  # between two infinities
        median, tail = np.quantile(errors, (0.5, 0.95))
    return Row(
        curve.label,
        when,
        int(curve.iterations[point]),
        1e6 * float(curve.seconds[point]) / len(errors),
        float(errors.mean()),
        float(median),
        float(tail),
        float(measure.failed(errors).mean()),
    )


def _early(tried: list[tuple[Solver, Curve]], late: Curve, limit: float, test: Judged) -> Row:
    """Return the line of a method at the time limit, with what is best for so few iterations."""
    within = np.flatnonzero(late.seconds <= limit)
    if not len(within):
        spent = 1e6 * limit / len(test[0])
        return Row(late.label, "at equal time", 0, spent, 0.0, 0.0, 0.0, 1.0)
    at = int(within[-1])
    best, _ = min(tried, key=lambda pair: pair[1].mean(at))
    early = follow(best, *test, int(late.iterations[at]), 1)
    # The settings cost no time: what was measured with others counts, the fastest of some runs.
    early = replace(early, seconds=late.seconds[: len(early.seconds)])
    return row_of(early, "at equal time", test[1])


def _advice(rows: list[Row], curves: list[Curve]) -> str:
    """Return who is better served by a classical method, in words.

    Parameters
    ----------
    rows : of the table, the first one of the trained solver
    curves : of the trained solver, and those of classical methods until convergence
    """
    ours = rows[0]
    quick = [row for row in rows if row.when == "at equal time" and row.mean <= ours.mean]
    if quick:
        best = min(quick, key=lambda row: row.mean)
        return f"{best.method} reaches {best.mean:.1f} dB in the same time: take it instead."
    said = []
    for curve in curves[1:]:
        reached = [i for i in range(len(curve.seconds)) if curve.mean(i) <= ours.mean]
        if reached:
            times = curve.seconds[reached[0]] / curves[0].seconds[-1]
            said.append(
                f"{curve.label} gets as far in {times:.2g} times the time, "
                f"and ends at {curve.mean(-1):.1f} dB"
            )
    if said:
        return f"{'; '.join(said)}: take it where time counts less than accuracy."
    return f"None of these classical methods reaches {ours.method}, however long it runs."


def _label(solver: Solver) -> str:
    if solver.about.kind != "classical":
        return solver.label
    told = {"lam": "lam", "tolerance": "tolerance", "alpha": "alpha"}
    hyper = solver.optimizer.hyper
    set_ = [f"{word} {hyper[name]:.2g}" for name, word in told.items() if name in hyper]
    return f"{solver.label} ({', '.join(set_)})" if set_ else solver.label


def _words(row: Row) -> tuple[str, ...]:
    numbers = (f"{value:.1f}" for value in (row.mean, row.median, row.tail))
    share = f"{100 * row.failed:.1f} %"
    return row.method, row.when, f"{row.iterations}", f"{row.microseconds:.1f}", *numbers, share
