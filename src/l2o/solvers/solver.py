"""A method that is ready to solve problems of a user: arrays in, arrays out.

It runs on the CPU, with as many threads as ``torch.set_num_threads`` says: one is often fastest.

    solver = l2o.load("mine.safetensors")
    solution = solver.solve(b)
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from numbers import Integral
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
from l2o.solvers.entrance import Source, array, copied, precision
from l2o.storage.arrays import TRANSPOSED, check_form
from l2o.storage.checkpoints import save_tensors

# Coordinates (samples times n) of a batch. Those of a net fit into a core's cache: what it does
# between its products then costs a third of them, otherwise nearly as much as them. A recurrent
# optimizer keeps about 3 kB for each.
COORDINATES = {"unrolled": 1 << 17, "recurrent": 1 << 16, "classical": 1 << 20}
TORCH = {np.float32: torch.float32, np.float64: torch.float64}


@dataclass(frozen=True)
class Solution:
    """What :meth:`Solver.solve` found. For a single b, (m,), the axis of samples is absent.

    Parameters
    ----------
    x : (samples, n), in the precision that was computed in
    iterations : how many were done
    objective : 0.5 ||A x - b||^2 + lam sum_i d_i |x_i|, (samples,), with d_i the norms of the
        columns of A; None for sparse recovery
    fallbacks : steps of the safeguard that were taken in place of the learned ones, (samples,)
        int64; None without safeguard
    """

    x: np.ndarray
    iterations: int
    objective: np.ndarray | None = None
    fallbacks: np.ndarray | None = None


@dataclass(frozen=True)
class About:
    """What is known of a solver beside its numbers.

    Parameters
    ----------
    kind : ``unrolled``, ``recurrent`` or ``classical``
    setting : name of the problems that it was trained on, "" for a classical method
    default : iterations that are done unless others are asked for
    depth : learned iterations of an unrolled net, beyond which only LASSO goes on; None otherwise
    notes : what a user should know, a line each
    """

    kind: str
    setting: str
    default: int
    depth: int | None = None
    notes: tuple[str, ...] = ()


class Solver:
    """A method for b = A x + noise; made by ``l2o.fit``, ``l2o.load`` and ``l2o.solver``.

    Where the data are float32 (or narrower) it computes in float32, else in float64; the steps of a
    recurrent optimizer always in float32. What it was given may change afterwards, and several
    threads may call it at once.

    Parameters
    ----------
    optimizer : starts at x = 0, for a dictionary with unit columns, in float64
    A : that dictionary, (m, n) float64
    lam : weight of the 1-norm in LASSO; None for sparse recovery
    about : kind, setting, iterations
    norms : d, of the columns of the user's dictionary A diag(d), (n,); None where all are 1
    scale : of the data the optimizer was trained on; b is divided by it and x multiplied
    tensors, record : the checkpoint, to save it; None for a classical method
    """

    def __init__(
        self,
        optimizer: Optimizer,
        A: Tensor,
        lam: float | None,
        about: About,
        norms: Tensor | None = None,
        scale: float = 1.0,
        tensors: Mapping[str, Tensor] | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.optimizer, self.A, self.lam, self.about = optimizer, A, lam, about
        self.norms, self.scale, self.tensors, self.record = norms, scale, tensors, record
        self.depth, self.setting = about.depth, about.setting
        self.name, self.label = optimizer.name, optimizer.label
        #: samples solved at once; the memory that is needed does not grow beyond
        self.batch = max(1, COORDINATES[about.kind] // max(A.shape))
        #: beside classical methods, and the rows of the training; of a solver that was just fitted
        self.comparison: Any = None
        self.history: list[dict[str, Any]] | None = None
        self._single: tuple[Optimizer, Tensor] | None = None

    def __repr__(self) -> str:
        m, n = self.A.shape
        parts = [f"{self.label} for A of {m} x {n}"]
        parts += [f"{self.depth} layers"] if self.depth else []
        parts += [f"lam {self.lam:g}"] if self.lam is not None else []
        parts += [f"trained on {self.setting}"] if self.setting else []
        fitted = (self.record or {}).get("fit", {})
        parts += [fitted["result"]] if "result" in fitted else []
        return f"<Solver: {', '.join(parts)}>"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_single": None}

    def iterations(self, wanted: int | None = None, safeguard: bool = False) -> int:
        """Return how many iterations will be done: the wanted ones, or the default.

        Raises
        ------
        InputError : no whole number, or below 1; for sparse recovery, more than the net has layers,
            or a safeguard.
        """
        count = self.about.default if wanted is None else wanted
        if isinstance(count, bool) or not isinstance(count, Integral):
            problem = f"{count!r} is no whole number"
            raise InputError("iterations", "", problem, "ask for 1 or more")
        if count < 1:
            raise InputError("iterations", "", f"{count} is below 1", "ask for 1 or more")
        if self.lam is None and self.depth and count > self.depth:
            problem = f"{count} are more than the {self.depth} layers of this net"
            remedy = "ask for fewer: only a net trained on LASSO can go on, with FISTA"
            raise InputError("iterations", "", problem, remedy)
        if self.lam is None and safeguard:
            problem = f"needs an objective, and {self.label} for sparse recovery has none"
            raise InputError(
                "safeguard", "", problem, "leave it out, or use a method that minimises LASSO"
            )
        return int(count)

    def solve(
        self,
        b: np.ndarray,
        iterations: int | None = None,
        safeguard: bool = False,
        dtype: Any = None,
    ) -> Solution:
        """Solve for x, in batches of bounded memory; each starts at x = 0.

        Parameters
        ----------
        b : measurements, (samples, m) or (m,), of any real type: an array, a tensor, a list
        iterations : by default the depth of an unrolled net, 1,000 of a recurrent optimizer; a net
            trained on LASSO is continued with FISTA
        safeguard : for LASSO; the objective then never increases and nears the optimum at least as
            O(1 / iterations^2), see :class:`l2o.optimizers.safeguarded.Safeguarded`
        dtype : float32 or float64 to compute in; by default float32 where b is float32 or narrower

        Raises
        ------
        InputError : b of another form, NaN, infinity; and as :meth:`iterations`.
        """
        count = self.iterations(iterations, safeguard)
        b = array(b, "b")
        kind = precision(dtype, b)
        single = b.ndim == 1
        rows = b[None] if single else b
        self.check_measurements(rows, "b")
        parts = [
            self._solve(copied(rows[at : at + self.batch], "b", kind, at), count, safeguard)
            for at in range(0, len(rows), self.batch)
        ]
        joined = (_joined(p) if p[0] is not None else None for p in zip(*parts, strict=True))
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

    def save(self, path: str | Path) -> Path:
        """Write the trained method to a file that ``l2o.load`` reads; return its path.

        Raises
        ------
        InputError : a classical method, which has nothing learned; the file cannot be written.
        """
        if self.tensors is None:
            problem = f"{self.label} has no trained weights"
            raise InputError(path, "", problem, f'make it anew: l2o.solver("{self.name}", A)')
        save_tensors(path, self.tensors, dict(self.record or {}))
        return Path(path)

    def outward(self, x: Tensor) -> Tensor:
        """Return x for the user's dictionary and data, (..., n), from that of the optimizer."""
        x = x if self.scale == 1 else x * self.scale
        return x if self.norms is None else x / self.norms.to(x.dtype)

    def problem(self, b: Tensor) -> Lasso | Measurements:
        """Return the batch of problems that the optimizer sees, for measurements b, (batch, m)."""
        measured = b if self.scale == 1 else b / self.scale
        if self.lam is None:
            return Measurements(measured)
        unknown = measured.new_full((len(b),), torch.nan)  # the optimum, of which no step asks
        return Lasso(self.at(b.dtype)[1], measured, self.lam / self.scale, unknown)

    def at(self, dtype: torch.dtype) -> tuple[Optimizer, Tensor]:
        """Return the optimizer and A in a precision."""
        if dtype == torch.float64:
            return self.optimizer, self.A
        if self._single is None:
            A = self.A.to(dtype)
            self._single = _in_precision(self.optimizer, A), A
        return self._single

    @torch.no_grad()
    def _solve(self, b: np.ndarray, iterations: int, safeguard: bool):
        """Return x, objective and fallbacks (None where there are none) of one batch."""
        measured = torch.from_numpy(b)
        optimizer, A = self.at(measured.dtype)
        problem, start = self.problem(measured), measured.new_zeros(len(b), A.shape[1])
        if self.lam is None:
            steps = iterates(optimizer, problem, start)
            return self.outward(_last(islice(steps, iterations))).numpy(), None, None
        if safeguard:
            proximal = Ista(A, {"lam": problem.lam})
            optimizer = Safeguarded(optimizer, proximal, uninterrupted=self.depth or 0)
        state = optimizer.init(problem, start)
        for _ in range(iterations):
            state = optimizer.step(problem, state)
        taken = state[2].numpy() if safeguard else None
        objective = problem.objective(state[0]) * self.scale**2
        return self.outward(state[0]).numpy(), objective.numpy(), taken


class SinglePrecision:
    """A recurrent optimizer in float32, in which it was trained and is twice as fast."""

    def __init__(self, inner: RecurrentOptimizer) -> None:
        self.inner, self.name, self.label = inner, inner.name, inner.label

    def init(self, optimizee: Lasso, x: Tensor) -> State:
        _, *memory = self.inner.init(optimizee.to(torch.float32), x.float())
        return x, *memory

    def step(self, optimizee: Lasso, state: State) -> State:
        x, *memory = state
        new, *memory = self.inner.step(optimizee.to(torch.float32), (x.float(), *memory))
        return new.to(x.dtype), *memory


def _in_precision(optimizer: Optimizer, A: Tensor) -> Optimizer:
    """Return an optimizer that computes in the precision of A, (m, n)."""
    if isinstance(optimizer, SinglePrecision):
        return optimizer
    if isinstance(optimizer, Continued):
        net = copy.deepcopy(optimizer.net).to(A.dtype)
        net.A = A
        return Continued(net, Fista(A, optimizer.after.hyper))
    return type(optimizer)(A, optimizer.hyper)


def _joined(parts: tuple[np.ndarray, ...]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _last(steps) -> Tensor:
    """Return the last of an iterator without keeping the others."""
    return deque(steps, maxlen=1).pop()
