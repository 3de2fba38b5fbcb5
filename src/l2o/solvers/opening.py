"""Solvers from files, from the box, and classical ones by name."""

from __future__ import annotations

import math
import re
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch

import l2o.weights as weights
from l2o.errors import InputError
from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.continued import Continued
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.registry import methods
from l2o.optimizers.trained import Checkpoint, read_checkpoint
from l2o.solvers.arguments import check_settings
from l2o.solvers.dictionary import checked, rescaled, unit_columns
from l2o.solvers.entrance import Source
from l2o.solvers.solver import About, SinglePrecision, Solver

RECURRENT_ITERATIONS = 1000  # as in the paper's comparison on LASSO, 4.1.2
CLASSICAL_ITERATIONS = 1000  # of those that minimise LASSO; others take 100
IN_THE_BOX = re.compile("[a-z0-9_]+(/[a-z0-9_]+)?")  # names of weights; files have a suffix
SAME = 1e-6  # how far an entry may be from the A of the training, which is kept in float32


def load(
    source: str | Path,
    A: Any = None,
    lam: float | None = None,
    called: Source = "A",
    *,
    solving: bool = False,
) -> Solver | RecurrentOptimizer:
    """Return a trained method: from a file, or from the box by its name.

    Parameters
    ----------
    source : a checkpoint (of ``l2o.fit``, ``Solver.save``, ``l2o.meta_fit`` or the benchmark), or a
        name that ``l2o weights`` lists, such as ``"l2o_scale/mnist"``
    A : dictionary, (m, n), of any real type, copied. An unrolled net works for the A that it was
        trained for, and needs none given; one of ``l2o.fit`` knows the norms of its columns. A
        recurrent optimizer becomes a solver of LASSO with an A whose columns have unit 2-norm, and
        does best near those it knows; without A it is returned as it is
    lam : weight of the 1-norm in LASSO; by default the one trained for, which an unrolled net
        cannot change
    called : what the messages call the dictionary
    solving : a solver is wanted: refuse a recurrent optimizer without A

    Raises
    ------
    InputError : no such file or name; a damaged or foreign checkpoint; a dictionary of another
        form, with NaN, infinity or columns not of unit norm, or not the net's; a lam that is
        missing, not positive or not the net's.
    """
    if isinstance(source, str) and IN_THE_BOX.fullmatch(source) and not Path(source).exists():
        checkpoint = weights.checkpoint(source)
    else:
        checkpoint = read_checkpoint(Path(source), "unrolled", "recurrent")
    if checkpoint.head.kind == "recurrent" and A is None and not solving:
        return checkpoint.optimizer()
    return opened(checkpoint, A, lam, called)


def opened(checkpoint: Checkpoint, dictionary: Any, lam: float | None, source: Source) -> Solver:
    """Return the solver of a checkpoint; see :func:`load`."""
    A = None if dictionary is None else checked(dictionary, source)
    lam, record = _checked_lam(lam, checkpoint), checkpoint.record
    setting = str(record.get("setting", "unknown"))
    saved = {"tensors": checkpoint.tensors, "record": record}
    if checkpoint.head.kind == "recurrent":
        if A is None:
            problem = "a recurrent optimizer works for any dictionary, and none was given"
            raise InputError(source, "", problem, "give A")
        about = About("recurrent", setting, RECURRENT_ITERATIONS)
        optimizer = SinglePrecision(checkpoint.optimizer().requires_grad_(False))
        return Solver(optimizer, torch.from_numpy(unit_columns(A, source)), lam, about, **saved)
    own = checkpoint.dictionary()
    norms, scale = checkpoint.norms(), float(record.get("scale", 1.0))
    if A is not None:
        known = tuple(own.shape)
        if norms is None:
            A = unit_columns(A, source, known)
        elif A.shape == known:
            A = A / norms
        _require_same(A, own, checkpoint.path, source)
    net = checkpoint.net(own).double().requires_grad_(False)
    # The net was trained on A rounded to float32.
    net.A = torch.from_numpy(own.astype(np.float64) if A is None else A)
    # Without lam, in sparse recovery, no iteration goes beyond the last layer.
    after = Fista(net.A, {} if lam is None else {"lam": lam / scale})
    about = About("unrolled", setting, net.depth, net.depth)
    factors = {"norms": None if norms is None else torch.from_numpy(norms), "scale": scale}
    return Solver(Continued(net, after), net.A, lam, about, **factors, **saved)


def solver(
    method: str, A: Any, lam: float | None = None, *, source: Source = "A", **settings: float
) -> Solver:
    """Return a classical method, untrained, for measurements b = A x + noise.

    Parameters
    ----------
    method : ``"fista"``, ``"ista"``, ``"omp"``, ``"amp"``, ``"em_vamp"`` or another one that ``l2o
        methods`` lists as classical
    A : dictionary, (m, n), of any real type, copied; columns of any norm
    lam : weight of the 1-norm, for those that minimise LASSO; by default 0.1
    settings : hyperparameters of the method, by name

    Raises
    ------
    InputError : an unknown method or setting, a value out of range, a bad dictionary.
    """
    heads = methods("classical")
    if method not in heads:
        problem = f"{method!r} is no classical method"
        raise InputError("method", "", problem, f"give one of {', '.join(sorted(heads))}")
    head, given = heads[method], dict(settings)
    if lam is not None:
        given["lam"] = _positive(lam, method)
    check_settings(method, given, head.ranges)
    made = rescaled(A, source)
    unit = torch.from_numpy(made.A)
    optimizer = head.load()(unit, given)
    lam = optimizer.hyper.get("lam")
    about = About("classical", "", CLASSICAL_ITERATIONS if lam else 100, notes=made.notes)
    return Solver(optimizer, unit, lam, about, torch.from_numpy(made.norms))


def _positive(lam: Any, source: Source) -> float:
    """Return the weight of the 1-norm as a number; refuse what is none above 0."""
    try:
        real = isinstance(lam, Real) and not isinstance(lam, bool)
        value = float(lam) if real else math.nan
    except OverflowError:
        value = math.inf
    if not 0 < value < math.inf:
        raise InputError(source, "lam", f"{lam!r} is not a positive number", "give one above 0")
    return value


def _checked_lam(lam: float | None, checkpoint: Checkpoint) -> float | None:
    """Return the weight of the 1-norm to use; None for sparse recovery."""
    path, trained = checkpoint.path, checkpoint.record.get("lam")
    lam = None if lam is None else _positive(lam, path)
    if checkpoint.head.kind == "recurrent":
        if lam is trained is None:
            raise InputError(path, "lam", "the checkpoint's record has none", "give lam")
        return float(trained if lam is None else lam)
    if trained is None and lam is not None:
        problem = f"{lam:g} was given for a net of sparse recovery, which has no such weight"
        raise InputError(path, "lam", problem, "leave lam out")
    if lam is not None and not math.isclose(lam, trained, rel_tol=SAME):
        problem = f"{lam:g} was given for a net trained for {trained:g}"
        raise InputError(path, "lam", problem, "leave lam out, or train a net for it")
    return trained


def _require_same(A: np.ndarray, own: np.ndarray, path: Path, source: Source) -> None:
    """Refuse a dictionary that is not the one that the net was trained for."""
    remedy = "give that dictionary, train a net for this one, or use a recurrent optimizer"
    if own.shape != A.shape:
        problem = f"shape {A.shape} is not that of the dictionary {path.name} was trained for"
        raise InputError(source, "", f"{problem}, {own.shape}", remedy)
    apart = float(np.abs(own - A).max())
    if not apart <= SAME:
        problem = f"is not the dictionary {path.name} was trained for (entries differ by up to"
        raise InputError(source, "", f"{problem} {apart:.1e})", remedy)
