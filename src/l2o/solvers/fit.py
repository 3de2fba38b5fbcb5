"""Train a solver for a dictionary of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2o.errors import InputError
from l2o.optimizers.registry import methods
from l2o.solvers import budgets
from l2o.solvers.arguments import check_number, check_settings, check_threads, check_whole
from l2o.solvers.candidates import best, settings_of
from l2o.solvers.comparison import OPPONENTS, SAMPLES, TUNED_ON, Comparison, compared
from l2o.solvers.dictionary import Dictionary, rescaled
from l2o.solvers.entrance import array
from l2o.solvers.fitting import Plan, fitted, held_out, kept, steady
from l2o.solvers.measures import Measure
from l2o.solvers.samples import (
    Data,
    drawn,
    own_measurements,
    own_pairs,
    sample_counts,
    with_lasso_targets,
)
from l2o.solvers.solver import Solver

OBJECTIVES = ("recovery", "lasso")
MOST_LAYERS = 1000


def fit(
    A: Any,
    *,
    method: str = "auto",
    layers: int = 16,
    signals: Any = None,
    measurements: Any = None,
    density: float = 0.1,
    size: float = 1.0,
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

    It learns from your ``signals`` with your ``measurements``; or ``signals``, measured here; or
    ``measurements`` alone, for LASSO; or, without either, from codes that are drawn.

    Parameters
    ----------
    A : (m, n), columns of any norm; atoms in rows, as in scikit-learn, are recognised
    method : an unrolled net that ``l2o methods`` lists: ``alista`` learns two numbers a layer,
        ``lista_cpss`` a matrix a layer; ``auto`` trains ``lamp_mixture``, which learns matrices and
        the law of the signals, and ``alista``, and keeps the better one on validation samples (for
        LASSO it is ``alista``)
    layers : iterations that are learned
    signals, measurements : x, (samples, n), and b, (samples, m); at least 20
    density, size : of drawn codes: share of entries that are not zero, their standard deviation
    snr : signal-to-noise ratio in dB of measurements that are made here, None for no noise
    objective, lam : ``recovery`` of the signals, or ``lasso``: minimise 0.5 ||A x - b||^2 + lam
        sum_i d_i |x_i|, d the norms of the columns, which needs no signals
    budget, minutes : ``quick``, ``standard``, ``thorough``; or about so many minutes, in all
    hyperparameters : settings of the method, by name; of ``auto`` those of either
    seed : the same call gives the same solver, to the bit, unless ``minutes`` measure the machine
    threads : of the CPU; by default as many as torch has
    keep : folder of an unfinished training, from which a call that was stopped goes on
    compare : measure it beside classical methods on samples held out: ``solver.comparison``
    progress : show progress, and that comparison

    Raises
    ------
    InputError : bad data or settings, a folder that cannot be written.
    """
    chosen = objective or ("lasso" if signals is None and measurements is not None else "recovery")
    settings = dict(hyperparameters or {})
    method = budgets.LASSO_DEFAULT if (method, chosen) == (budgets.AUTO, "lasso") else method
    plan = Plan(method, layers, chosen, lam, budget, minutes, settings, seed)
    given = Given(signals, measurements, density, size, snr)
    _check(plan, given)
    _check_numbers(given, seed, threads)
    return _fit(A, given, plan, threads, None if keep is None else Path(keep), compare, progress)


@dataclass(frozen=True)
class Given:
    """What a solver is trained on; see :func:`fit`."""

    signals: Any
    measurements: Any
    density: float
    size: float
    snr: float | None


def _fit(
    A: Any,
    given: Given,
    plan: Plan,
    threads: int | None,
    keep: Path | None,
    compare: bool,
    progress: bool,
) -> Solver:
    widths = _width(given.measurements, "measurements"), _width(given.signals, "signals")
    dictionary = rescaled(A, "A", *widths)
    with steady(threads), kept(keep) as folder:
        data = _data(dictionary, given, plan)
        if progress:
            for note in (*dictionary.notes, *data.notes):
                print(note, flush=True)
        trained, choice = _trained(dictionary, data, plan, folder, quiet=not progress)
        if progress:
            for note in choice:
                print(note, flush=True)
        solver = trained[0]
        if compare:
            solver.comparison = _closing(trained, dictionary, data, plan.lam)
    if progress and compare:
        print(solver.comparison, flush=True)
    return solver


def _trained(
    dictionary: Dictionary, data: Data, plan: Plan, folder: Path, quiet: bool
) -> tuple[list[Solver], list[str]]:
    """Return what was trained, the solver of the user first, and what to tell of a choice."""
    if plan.method == budgets.AUTO:
        return best(dictionary, data, plan, folder, quiet)
    return [fitted(dictionary, data, plan, folder, quiet)], []


def _data(dictionary: Dictionary, given: Given, plan: Plan) -> Data:
    """Return what the solver is trained on."""
    counts = sample_counts(plan.budget, dictionary)
    signals, measurements, snr = given.signals, given.measurements, given.snr
    if signals is not None:
        data = own_pairs(dictionary, signals, measurements, snr, counts, plan.seed)
    elif measurements is not None:
        data = own_measurements(dictionary, measurements, counts, plan.seed)
    else:
        data = drawn(dictionary, counts, given.density, snr, plan.seed, given.size)
    return data if plan.lam is None else with_lasso_targets(data, dictionary.A, plan.lam)


def _closing(
    trained: list[Solver], dictionary: Dictionary, data: Data, lam: float | None
) -> Comparison:
    """Return the table at the end: what was trained and classical ones on samples held out."""

    def some(split: str, most: int) -> tuple[Any, Measure]:
        part = data.splits[split]
        cut = Data({split: type(part)(part.b[:most], part.target[:most])}, data.scale, None, "")
        return held_out(dictionary, cut, lam, split)

    names = OPPONENTS[lam is not None]
    user = dictionary.A * dictionary.norms
    sets = some("test", SAMPLES), some("validation", TUNED_ON)
    return compared(trained, names, user, *sets, lam)


def _width(given: Any, source: str) -> int | None:
    """Return the width of rows that a user gave, where it can be told."""
    if given is None:
        return None
    found = array(given, source)
    return int(found.shape[1]) if found.ndim == 2 else None


def _check(plan: Plan, given: Given) -> None:
    """Refuse settings that no training can follow."""
    with_signals, with_measurements = given.signals is not None, given.measurements is not None
    heads = methods("unrolled")
    if plan.method not in (budgets.AUTO, *heads):
        problem = f"{plan.method!r} is no unrolled net"
        raise InputError("method", "", problem, f"give one of {', '.join((budgets.AUTO, *heads))}")
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
    if plan.lam is not None:
        check_number("lam", plan.lam, 0)
    if plan.minutes is not None:
        check_number("minutes", plan.minutes, 0, 1e5)
    budgets.factor_of(plan.budget)
    check_whole("layers", plan.layers, 1, MOST_LAYERS)
    check_settings(plan.method, plan.hyperparameters, settings_of(plan.method))


def _check_numbers(given: Given, seed: Any, threads: Any) -> None:
    check_number("density", given.density, 0, 1)
    check_number("size", given.size, 0)
    if given.snr is not None:
        check_number("snr", given.snr, -20, 120, closed=True)
    check_whole("seed", seed, 0)
    check_threads(threads)
