"""Solve problems of your own with a trained net or optimizer: arrays in, arrays out.

It runs on the CPU, with as many threads as ``torch.set_num_threads`` says: one is often fastest.

    solver = load_solver("lista.safetensors", A)
    solution = solver.solve(b, safeguard=True)
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.protocol import Measurements
from l2o.optimizers.classical.fista import Fista
from l2o.optimizers.classical.ista import Ista
from l2o.optimizers.continued import Continued
from l2o.optimizers.protocol import Optimizer, State, iterates
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.safeguarded import Safeguarded
from l2o.optimizers.trained import Checkpoint, read_checkpoint
from l2o.storage.arrays import TRANSPOSED, check_form, finite

RECURRENT_ITERATIONS = 1000  # as in the paper's comparison on LASSO, 4.1.2
UNIT_NORM = 1e-6  # how far a column's norm may be from 1
SAME = 1e-6  # how far an entry may be from the A of the training, which is kept in float32
# Coordinates (samples times n) of a batch, for some 200 MB: a recurrent optimizer keeps about 3 kB
# for each, the others a dozen numbers.
COORDINATES = {"unrolled": 1 << 20, "recurrent": 1 << 16}

Source = str | PathLike[str]


@dataclass(frozen=True)
class Solution:
    """What :meth:`Solver.solve` found. For a single b, (m,), the axis of samples is absent.

    Parameters
    ----------
    x : (samples, n) float64
    iterations : how many were done
    objective : 0.5 ||A x - b||^2 + lam ||x||_1, (samples,) float64; None for sparse recovery
    fallbacks : steps of the safeguard that were taken in place of the learned ones, (samples,)
        int64; None without safeguard
    """

    x: np.ndarray
    iterations: int
    objective: np.ndarray | None = None
    fallbacks: np.ndarray | None = None


class Solver:
    """A trained method for b = A x + noise, made by :func:`load_solver`.

    It computes in float64; the steps of a recurrent optimizer alone in float32. What it was given
    may change afterwards, and several threads may call it at once.

    Parameters
    ----------
    optimizer : starts at x = 0
    A : dictionary, (m, n) float64
    lam : weight of the 1-norm in LASSO; None for sparse recovery
    depth : learned iterations of an unrolled net; None for a recurrent optimizer
    setting : name of the problems it was trained on
    """

    def __init__(
        self, optimizer: Optimizer, A: Tensor, lam: float | None, depth: int | None, setting: str
    ) -> None:
        self.optimizer, self.A, self.lam = optimizer, A, lam
        self.depth, self.setting = depth, setting
        self.name, self.label = optimizer.name, optimizer.label
        kind = "unrolled" if depth else "recurrent"
        #: samples solved at once; the memory that is needed does not grow beyond
        self.batch = max(1, COORDINATES[kind] // max(A.shape))

    def iterations(self, wanted: int | None = None, safeguard: bool = False) -> int:
        """Return how many iterations will be done: the wanted ones, or the default.

        Raises
        ------
        InputError : no whole number, or below 1; for sparse recovery, more than the net has layers,
            or a safeguard.
        """
        count = (self.depth or RECURRENT_ITERATIONS) if wanted is None else wanted
        if isinstance(count, bool) or not isinstance(count, Integral):
            problem = f"{count!r} is no whole number"
            raise InputError("iterations", "", problem, "ask for 1 or more")
        if count < 1:
            raise InputError("iterations", "", f"{count} is below 1", "ask for 1 or more")
        if self.lam is None and count > self.depth:
            problem = f"{count} are more than the {self.depth} layers of this net"
            remedy = "ask for fewer: only a net trained on LASSO can go on, with FISTA"
            raise InputError("iterations", "", problem, remedy)
        if self.lam is None and safeguard:
            problem = "needs an objective, and a net trained for sparse recovery has none"
            raise InputError(
                "safeguard", "", problem, "leave it out, or use a net trained on LASSO"
            )
        return int(count)

    def solve(
        self,
        b: np.ndarray,
        iterations: int | None = None,
        safeguard: bool = False,
    ) -> Solution:
        """Solve for x, in batches of bounded memory; each starts at x = 0.

        Parameters
        ----------
        b : measurements, (samples, m) or (m,), of any real type: an array, a tensor, a list
        iterations : the depth of an unrolled net, 1,000 of a recurrent optimizer by default; a net
            trained on LASSO is continued with FISTA
        safeguard : for LASSO; the objective then never increases and nears the optimum at least as
            O(1 / iterations^2), see :class:`l2o.optimizers.safeguarded.Safeguarded`

        Raises
        ------
        InputError : b of another form, NaN, infinity; and as :meth:`iterations`.
        """
        count = self.iterations(iterations, safeguard)
        b = _array(b, "b")
        single = b.ndim == 1
        rows = b[None] if single else b
        self.check_measurements(rows, "b")
        parts = [
            self._solve(finite(_copied(rows[at : at + self.batch]), "b", at=at), count, safeguard)
            for at in range(0, len(rows), self.batch)
        ]
        joined = (np.concatenate(p) if p[0] is not None else None for p in zip(*parts, strict=True))
        x, f, taken = (a[0] if single and a is not None else a for a in joined)
        return Solution(x, count, f, taken)

    def check_measurements(self, found: Any, source: Source, key: str = "") -> None:
        """Refuse what cannot be b, (samples, m), judged by its ``shape`` and ``dtype``.

        Raises
        ------
        InputError : another number of axes, another m, empty, no real numbers.
        """
        check_form(found, "samples x m", source, key)
        m, n = self.A.shape
        if found.shape[1] != m == found.shape[0]:
            problem = f"looks transposed: shape {tuple(found.shape)}, not samples x {m}"
            raise InputError(source, key, problem, TRANSPOSED)
        if found.shape[1] != m:
            problem = f"has shape {tuple(found.shape)}, which does not fit A of shape {(m, n)}"
            raise InputError(source, key, problem, f"give {m} measurements for each sample")

    @torch.no_grad()
    def _solve(self, b: np.ndarray, iterations: int, safeguard: bool):
        """Return x, objective and fallbacks (None where there are none) of one batch."""
        measured = torch.from_numpy(b)
        start = measured.new_zeros(len(b), self.A.shape[1])
        if self.lam is None:
            steps = iterates(self.optimizer, Measurements(measured), start)
            return _last(islice(steps, iterations)).numpy(), None, None
        unknown = measured.new_full((len(b),), torch.nan)  # the optimum, of which no step asks
        lasso = Lasso(self.A, measured, self.lam, unknown)
        optimizer = self.optimizer
        if safeguard:
            proximal = Ista(self.A, {"lam": self.lam})
            optimizer = Safeguarded(optimizer, proximal, uninterrupted=self.depth or 0)
        state = optimizer.init(lasso, start)
        for _ in range(iterations):
            state = optimizer.step(lasso, state)
        taken = state[2].numpy() if safeguard else None
        return state[0].numpy(), lasso.objective(state[0]).numpy(), taken


class _SinglePrecision:
    """A recurrent optimizer in float32, in which it was trained and is twice as fast."""

    def __init__(self, inner: RecurrentOptimizer) -> None:
        self.inner, self.name, self.label = inner, inner.name, inner.label

    def init(self, optimizee: Lasso, x: Tensor) -> State:
        _, *memory = self.inner.init(optimizee.to(torch.float32), x.float())
        return x, *memory

    def step(self, optimizee: Lasso, state: State) -> State:
        x, *memory = state
        x, *memory = self.inner.step(optimizee.to(torch.float32), (x.float(), *memory))
        return x.double(), *memory


def load_solver(
    path: str | Path, dictionary: np.ndarray, lam: float | None = None, source: Source = "A"
) -> Solver:
    """Return the trained method of a checkpoint, ready for measurements b = A x + noise.

    Parameters
    ----------
    path : checkpoint of a method trained on sparse recovery or on LASSO, safetensors
    dictionary : A, (m, n), of any real type, copied; columns of unit 2-norm. An unrolled net works
        for the A it was trained for; a recurrent optimizer takes any, and does best near those it
        knows. Columns d_i a_i are normalised by dividing them by d_i, and the x_i found then as
        well; lam weighs d_i x_i.
    lam : weight of the 1-norm in LASSO; by default the one trained for, which an unrolled net
        cannot change
    source : what the messages call the dictionary

    Raises
    ------
    InputError : a missing, damaged or foreign checkpoint; a dictionary of another form, with NaN,
        infinity or columns not of unit norm, or not the net's; a lam that is missing, not positive
        or not the net's.
    """
    checkpoint = read_checkpoint(Path(path), *COORDINATES)
    A = _checked_dictionary(_array(dictionary, source), source, checkpoint)
    lam = _checked_lam(lam, checkpoint)
    setting = str(checkpoint.record.get("setting", "unknown"))
    if checkpoint.head.kind == "recurrent":
        optimizer = _SinglePrecision(checkpoint.optimizer().requires_grad_(False))
        return Solver(optimizer, torch.from_numpy(A), lam, None, setting)
    net = checkpoint.net(_trained_for(A, checkpoint, source)).double().requires_grad_(False)
    net.A = torch.from_numpy(A)  # the net was trained on A rounded to float32
    # Without lam, in sparse recovery, no iteration goes beyond the last layer.
    after = Fista(net.A, {} if lam is None else {"lam": lam})
    return Solver(Continued(net, after), net.A, lam, net.depth, setting)


def _last(steps) -> Tensor:
    """Return the last of an iterator without keeping the others."""
    return deque(steps, maxlen=1).pop()


def _array(given: Any, source: Source) -> np.ndarray:
    """Return what a caller brings as an array; not copied, its form and values not yet checked."""
    if hasattr(given, "toarray") or (isinstance(given, Tensor) and given.layout != torch.strided):
        raise InputError(source, "", "is sparse", "give a dense array: `.toarray()`, `.to_dense()`")
    if any(map(np.ma.is_masked, given if isinstance(given, list | tuple) else [given])):
        raise InputError(source, "", "has masked entries", "fill them, or leave them out")
    try:
        if isinstance(given, Tensor):
            given = given.detach().cpu().resolve_conj().resolve_neg()
            given = (given.double() if given.is_floating_point() else given).numpy()
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        problem = f"cannot be read as an array ({' '.join(str(error).split())})"
        raise InputError(source, "", problem, "give an array of real numbers") from error


def _copied(values: np.ndarray) -> np.ndarray:
    """Return numbers as float64 in memory of their own, row by row."""
    with np.errstate(all="ignore"):  # what float64 cannot hold becomes infinite, and is refused
        return np.array(values, np.float64, order="C")


def _checked_dictionary(
    dictionary: np.ndarray, source: Source, checkpoint: Checkpoint
) -> np.ndarray:
    """Return A as float64; refuse another form, NaN, infinity, A.T, columns not of unit norm."""
    check_form(dictionary, "m x n", source)
    A = finite(_copied(dictionary), source)
    with np.errstate(over="ignore"):
        norms, rows = (np.linalg.norm(A, axis=axis) for axis in (0, 1))
    worst = int(np.abs(norms - 1).argmax())
    unit = abs(norms[worst] - 1) <= UNIT_NORM
    across = not unit and np.abs(rows - 1).max() <= UNIT_NORM  # wide A may have orthonormal rows
    trained = tuple(checkpoint.tensors.get("A", A).shape)
    if A.shape != trained == A.T.shape or (across and len(A) >= A.shape[1]):
        raise InputError(source, "", f"looks transposed: shape {A.shape}, not m x n", TRANSPOSED)
    if norms.min() == 0:
        problem = f"column {int(norms.argmin())} (counted from 0) is zero"
        raise InputError(source, "", problem, "remove it: its x is 0")
    if not unit:
        problem = f"column {worst} (counted from 0) has norm {norms[worst]:.7g}, not 1"
        remedy = "divide each column by its norm, and the entries of x by the same norms"
        remedy += "; if the rows are the atoms, store the transpose" if across else ""
        raise InputError(source, "", problem, remedy)
    return A


def _checked_lam(lam: float | None, checkpoint: Checkpoint) -> float | None:
    """Return the weight of the 1-norm to use; None for sparse recovery."""
    path, trained = checkpoint.path, checkpoint.record.get("lam")
    if lam is not None:
        try:
            real = isinstance(lam, Real) and not isinstance(lam, bool)
            value = float(lam) if real else math.nan
        except OverflowError:
            value = math.inf
        if not 0 < value < math.inf:
            raise InputError(path, "lam", f"{lam!r} is not a positive number", "give one above 0")
        lam = value
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


def _trained_for(A: np.ndarray, checkpoint: Checkpoint, source: Source) -> np.ndarray:
    """Return the A that the net was trained for, float32; refuse a dictionary that is another."""
    path, tensors = checkpoint.path, checkpoint.tensors
    if "A" not in tensors:
        problem = "this tensor is missing in the checkpoint of an unrolled net"
        raise InputError(path, "A", problem, "give a checkpoint that the training wrote")
    own = tensors["A"].float().numpy()
    remedy = "give that dictionary, train a net for this one, or use a recurrent optimizer"
    if own.shape != A.shape:
        problem = f"shape {A.shape} is not that of the dictionary {path.name} was trained for"
        raise InputError(source, "", f"{problem}, {own.shape}", remedy)
    apart = float(np.abs(own - A).max())
    if not apart <= SAME:
        problem = f"is not the dictionary {path.name} was trained for (entries differ by up to"
        raise InputError(source, "", f"{problem} {apart:.1e})", remedy)
    return own
