"""What a solver is trained on and judged by: codes that are drawn, or data of the user."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from l2o.errors import InputError
from l2o.optimizees.lasso_optimum import lasso_objective, relative_gap, restarted_fista
from l2o.optimizees.sparse_recovery import measure, sample_slices
from l2o.seeds import named_generator
from l2o.solvers import budgets
from l2o.solvers.dictionary import Dictionary
from l2o.solvers.entrance import array, copied
from l2o.storage.arrays import check_form

LEAST = 20  # samples of a user
HELD_OUT = 1024  # samples of the validation and of the test set, at most
SPLITS = ("train", "validation", "test")
FISTA_ITERATIONS = {"train": 200, "validation": 1000, "test": 1000}


@dataclass(frozen=True)
class Split:
    """Samples as the net sees them: b divided by the scale, x times the norms of the columns too.

    Parameters
    ----------
    b : (samples, m)
    target : signals, (samples, n); for LASSO a lower bound of each optimum, (samples,)
    """

    b: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class Data:
    """The three splits of a fit.

    Parameters
    ----------
    splits : by the names ``train``, ``validation`` and ``test``
    scale : of the user's data
    density : share of the entries that are not zero; None where signals are unknown
    setting : what the samples are, in words
    notes : what a user should know, a line each
    """

    splits: Mapping[str, Split]
    scale: float
    density: float | None
    setting: str
    notes: tuple[str, ...] = ()


def sample_counts(budget: str, dictionary: Dictionary) -> dict[str, int]:
    """Return the samples of each split that a budget takes, at most what the memory holds."""
    fitting = max(1024, budgets.MEMORY // sum(dictionary.A.shape))
    held = {"validation": HELD_OUT, "test": HELD_OUT}
    return {"train": min(budgets.SAMPLES[budget], fitting), **held}


def drawn(
    dictionary: Dictionary,
    counts: Mapping[str, int],
    density: float,
    snr: float | None,
    seed: int,
    size: float = 1.0,
) -> Data:
    """Draw signals with entries Ber(density) N(0, size^2), and measure them.

    Where the columns a_i have other norms than 1, all atoms count alike: entry i has the size
    divided by ||a_i|| over the root mean square of all norms.

    Parameters
    ----------
    counts : samples of each split
    snr : of a sample's measurements, in dB; None without noise
    size : standard deviation of the entries
    """
    splits = {}
    for name in SPLITS:
        slices = list(sample_slices(dictionary.A, counts[name], density, snr, seed, ("fit", name)))
        x, b = (np.concatenate(parts) for parts in zip(*slices, strict=True))
        splits[name] = Split(b, x)
    noise = "no noise" if snr is None else f"SNR {snr:g} dB"
    scale = size * math.sqrt(float(np.square(dictionary.norms).mean()))
    return Data(splits, scale, density, f"codes drawn with density {density:g}, {noise}")


def own_pairs(
    dictionary: Dictionary,
    signals: Any,
    measurements: Any,
    snr: float | None,
    counts: Mapping[str, int],
    seed: int,
) -> Data:
    """Split a user's signals, with their measurements, or measured here.

    Parameters
    ----------
    signals : x, (samples, n)
    measurements : b, (samples, m); None: A x, with noise if ``snr`` says so
    counts : samples of the training set, at most

    Raises
    ------
    InputError : other forms, another number of rows, fewer than 20 of use.
    """
    x, notes = rows_of(signals, "signals", "samples x n", dictionary.A.shape[1]), []
    z = x * dictionary.norms
    if measurements is None:
        noise = named_generator(seed, "fit", "noise")
        b = measure(noise, dictionary.A, z, snr).astype(np.float64)
        setting = "own signals, " + ("no noise" if snr is None else f"SNR {snr:g} dB")
    else:
        b = rows_of(measurements, "measurements", "samples x m", dictionary.A.shape[0])
        setting = "own signals and measurements"
    if len(b) != len(x):
        problem = f"has {len(b)} rows, and the signals have {len(x)}"
        raise InputError("measurements", "", problem, "give a row for each signal")
    kept = z.any(axis=1)
    if not kept.all():
        notes.append(
            f"{int((~kept).sum())} signals that are zero are left out: no error is defined"
        )
    z, b = z[kept], b[kept]
    _require_enough(z, "signals")
    scale = _power_of_two(math.sqrt(float(np.square(z[z != 0]).mean())))
    splits = _split({"b": b / scale, "target": z / scale}, counts["train"], seed)
    return Data(splits, scale, float((z != 0).mean()), setting, tuple(notes))


def own_measurements(
    dictionary: Dictionary, measurements: Any, counts: Mapping[str, int], seed: int
) -> Data:
    """Split a user's measurements, (samples, m); the targets are not known yet.

    Raises
    ------
    InputError : another form, fewer than 20 that are not zero.
    """
    b = rows_of(measurements, "measurements", "samples x m", dictionary.A.shape[0])
    kept, notes = b.any(axis=1), []
    if not kept.all():
        notes.append(f"{int((~kept).sum())} measurements that are zero are left out: their x is 0")
    b = b[kept]
    _require_enough(b, "measurements")
    scale = _power_of_two(float(np.abs(b @ dictionary.A).max(axis=1).mean()))
    nothing = np.zeros((len(b), 0))
    splits = _split({"b": b / scale, "target": nothing}, counts["train"], seed)
    return Data(splits, scale, None, "own measurements", tuple(notes))


def with_lasso_targets(data: Data, A: np.ndarray, lam: float) -> Data:
    """Return the data with lower bounds of the optima of LASSO as targets.

    Parameters
    ----------
    A : (m, n), unit columns
    lam : weight of the 1-norm for the user's data

    Raises
    ------
    InputError : lam is so large that x = 0 is the optimum of all samples.
    """
    splits = {}
    for name, split in data.splits.items():
        b = split.b.astype(np.float64)
        bounds = lower_bounds(A, b, lam / data.scale, FISTA_ITERATIONS[name])
        splits[name] = Split(split.b, bounds)
    return replace(data, splits=splits)


def lower_bounds(A: np.ndarray, b: np.ndarray, lam: float, iterations: int) -> np.ndarray:
    """Return what the optima of LASSO are not below, (samples,), by duality.

    So the excess over them is never below that over the optimum, and close to it after enough
    ``iterations`` of FISTA with restarts.

    Parameters
    ----------
    A : (m, n), unit columns
    b : (samples, m)

    Raises
    ------
    InputError : lam is so large that x = 0 is the optimum of all samples.
    """
    if not (np.abs(b @ A).max() > lam):
        problem = "is so large that x = 0 minimises the objective of all samples"
        raise InputError("lam", "", problem, "give less than the largest of |A^T b|")
    x = restarted_fista(A, b, lam, np.zeros((len(b), A.shape[1])), iterations)
    f = lasso_objective(A, b, lam, x)
    return f * (1.0 - np.maximum(relative_gap(A, b, lam, x), 0.0))


def rows_of(given: Any, name: str, axes: str, width: int) -> np.ndarray:
    """Return a user's rows as float64, (samples, width).

    Raises
    ------
    InputError : another form or width, NaN, infinity.
    """
    found = array(given, name)
    check_form(found, axes, name)
    if found.shape[1] != width:
        problem = f"has shape {found.shape}, and A needs rows of {width}"
        raise InputError(name, "", problem, f"give it as {axes}")
    return copied(found, name)


def _require_enough(rows: np.ndarray, name: str) -> None:
    if len(rows) < LEAST:
        problem = f"has {len(rows)} samples that are not zero"
        raise InputError(name, "", problem, f"give {LEAST} or more, some thousand if you can")


def _split(arrays: Mapping[str, np.ndarray], most: int, seed: int) -> dict[str, Split]:
    """Return the splits of samples in an order that is drawn; a tenth each is held out."""
    count = len(arrays["b"])
    order = named_generator(seed, "fit", "split").permutation(count)
    held = min(HELD_OUT, max(1, count // 10))
    places = {
        "test": order[:held],
        "validation": order[held : 2 * held],
        "train": order[2 * held :][:most],
    }
    return {name: Split(*(arrays[k][places[name]] for k in ("b", "target"))) for name in SPLITS}


def _power_of_two(size: float) -> float:
    """Return the power of two next to a size: data are scaled without rounding."""
    return 2.0 ** round(math.log2(size))
