"""Train a solver for a dictionary of the user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from l2o.config.values import within
from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.solvers import budgets
from l2o.solvers.comparison import OPPONENTS, SAMPLES, TUNED_ON, Comparison, compared
from l2o.solvers.dictionary import Dictionary, rescaled
from l2o.solvers.entrance import array
from l2o.solvers.fitting import Plan, fitted, held_out, steady
from l2o.solvers.measures import Measure
from l2o.solvers.samples import (
    HELD_OUT,
    Data,
    drawn,
    own_measurements,
    own_pairs,
    with_lasso_targets,
)
from l2o.solvers.solver import Solver

OBJECTIVES = ("recovery", "lasso")
MOST_LAYERS = 1000


def fit(
    A: Any,
    *,
    method: str = "alista",
    layers: int = 16,
    signals: Any = None,
    measurements: Any = None,
    density: float = 0.1,
    snr: float | None = None,
    objective: str | None = None,
    lam: float | None = None,
    budget: str = "standard",
    minutes: float | None = None,
    hyperparameters: Mapping[str, float] | None = None,
    seed: int = 0,
    threads: int | None = None,
    keep: str | Path | None = None,
    compare: bool = True,
    progress: bool = True,
) -> Solver:
    """Train an unrolled net for b = A x + noise with an A of your own.

    What it learns from is, in this order: your ``signals`` with your ``measurements``; your
    ``signals``, measured here; your ``measurements`` alone, for LASSO; codes that are drawn.

    Parameters
    ----------
    A : dictionary, (m, n), of any real type; columns of any norm (they are divided by it, and the x
        that is found belongs to A as it was given); atoms in rows, as in scikit-learn, are
        recognised by the widths of the data
    method : an unrolled net that ``l2o methods`` lists: ``alista`` learns two numbers a layer,
        ``lista_cpss`` and ``lista_cp`` a matrix a layer, ...
    layers : iterations that are learned
    signals : x, (samples, n), at least 20
    measurements : b, (samples, m)
    density : share of entries that are not zero, of codes that are drawn
    snr : signal-to-noise ratio of each sample's measurements in dB, where they are made here; None
        for no noise
    objective : ``recovery`` of the signals, or ``lasso``, to minimise 0.5 ||A x - b||^2 + lam
        ||x||_1, which needs no signals; by default ``lasso`` where there are measurements alone
    lam : weight of the 1-norm, for ``lasso``; where columns are not of norm 1 it weighs |x_i| times
        the norm of column i
    budget : ``quick``, ``standard`` or ``thorough``
    minutes : train for about that long instead
    hyperparameters : settings of the method, by name
    seed : of all that is drawn: the same call gives the same solver, to the bit
    threads : of the CPU; by default as many as torch has
    keep : folder for the state of the training: a call that was stopped goes on from there. It is
        removed at the end. None: nothing is kept
    compare : measure the solver beside classical methods on samples that were held out:
        ``solver.comparison``
    progress : show it, and that comparison

    Returns
    -------
    Solver : with ``comparison`` (None without) and ``history``, the rows of the training

    Raises
    ------
    InputError : bad data or settings, a folder that cannot be written.
    """
    chosen = objective or ("lasso" if signals is None and measurements is not None else "recovery")
    given = dict(hyperparameters or {})
    plan = Plan(method, layers, chosen, lam, budget, minutes, given, seed)
    _check(plan, signals is not None, measurements is not None)
    _check_numbers(density, snr, seed, threads)
    widths = _width(measurements, "measurements"), _width(signals, "signals")
    dictionary = rescaled(A, "A", *widths)
    with steady(threads):
        data = _data(dictionary, signals, measurements, density, snr, plan)
        if progress:
            for note in (*dictionary.notes, *data.notes):
                print(note, flush=True)
        kept = None if keep is None else Path(keep)
        solver = fitted(dictionary, data, plan, kept, quiet=not progress)
        if compare:
            solver.comparison = _closing(solver, dictionary, data, lam)
    if progress and compare:
        print(solver.comparison, flush=True)
    return solver


def _data(
    dictionary: Dictionary,
    signals: Any,
    measurements: Any,
    density: float,
    snr: float | None,
    plan: Plan,
) -> Data:
    """Return what the solver is trained on."""
    most = min(budgets.SAMPLES[plan.budget], max(1024, budgets.MEMORY // sum(dictionary.A.shape)))
    counts = {"train": most, "validation": HELD_OUT, "test": HELD_OUT}
    if signals is not None:
        data = own_pairs(dictionary, signals, measurements, snr, counts, plan.seed)
    elif measurements is not None:
        data = own_measurements(dictionary, measurements, counts, plan.seed)
    else:
        data = drawn(dictionary, counts, density, snr, plan.seed)
    return data if plan.lam is None else with_lasso_targets(data, dictionary.A, plan.lam)


def _closing(solver: Solver, dictionary: Dictionary, data: Data, lam: float | None) -> Comparison:
    """Return the table at the end: this solver and classical ones on samples held out."""

    def some(split: str, most: int) -> tuple[Any, Measure]:
        part = data.splits[split]
        cut = Data({split: type(part)(part.b[:most], part.target[:most])}, data.scale, None, "")
        return held_out(dictionary, cut, lam, split)

    names = OPPONENTS[lam is not None]
    user = dictionary.A * dictionary.norms
    sets = some("test", SAMPLES), some("validation", TUNED_ON)
    return compared([solver], names, user, *sets, lam)


def _width(given: Any, source: str) -> int | None:
    """Return the width of rows that a user gave, where it can be told."""
    if given is None:
        return None
    found = array(given, source)
    return int(found.shape[1]) if found.ndim == 2 else None


def _check(plan: Plan, with_signals: bool, with_measurements: bool) -> None:
    """Refuse settings that no training can follow."""
    heads = methods("unrolled")
    if plan.method not in heads:
        problem = f"{plan.method!r} is no unrolled net"
        raise InputError("method", "", problem, f"give one of {', '.join(heads)}")
    if plan.objective not in OBJECTIVES:
        problem = f"{plan.objective!r} is no objective"
        raise InputError("objective", "", problem, f"give {' or '.join(OBJECTIVES)}")
    lasso = plan.objective == "lasso"
    if lasso and with_signals:
        problem = "lasso learns nothing from signals"
        raise InputError("objective", "", problem, "leave the signals out, or ask for recovery")
    if not lasso and with_measurements and not with_signals:
        problem = "recovery needs the signals that belong to the measurements"
        raise InputError("objective", "", problem, "give signals, or ask for lasso, with lam")
    if lasso != (plan.lam is not None):
        problem = (
            "is missing: lasso needs a weight" if lasso else "was given, and recovery has none"
        )
        raise InputError(
            "lam", "", problem, "give lam" if lasso else "leave it out, or ask for lasso"
        )
    _number("lam", plan.lam, 0, math.inf)
    _number("minutes", plan.minutes, 0, 1e5)
    budgets.factor_of(plan.budget)
    _whole("layers", plan.layers, 1, MOST_LAYERS)
    ranges = heads[plan.method].ranges
    for name, value in plan.hyperparameters.items():
        if name not in ranges:
            known = ", ".join(ranges)
            raise InputError(plan.method, name, "is no setting of this method", f"it has: {known}")
        if (
            isinstance(value, bool)
            or not isinstance(value, Real)
            or not within(value, ranges[name])
        ):
            problem = f"{value!r} is not in {ranges[name]}"
            raise InputError(plan.method, name, problem, "give a number in this range")


def _check_numbers(density: Any, snr: Any, seed: Any, threads: Any) -> None:
    _number("density", density, 0, 1)
    if snr is not None:
        _number("snr", snr, -20.0 - 1e-9, 120.0)
    _whole("seed", seed, 0, 2**63 - 1)
    if threads is not None:
        _whole("threads", threads, 1, 1024)


def _number(name: str, value: Any, low: float, high: float) -> None:
    """Refuse what is no number above ``low`` and up to ``high``; None passes."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    if value is not None and not (real and low < value <= high and math.isfinite(value)):
        problem = f"{value!r} is not a number above {low:g}" + (
            f" and up to {high:g}" if math.isfinite(high) else ""
        )
        raise InputError(name, "", problem, "give one")


def _whole(name: str, value: Any, low: int, high: int) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (whole and low <= value <= high):
        problem = f"{value!r} is no whole number from {low} to {high}"
        raise InputError(name, "", problem, "give one")
