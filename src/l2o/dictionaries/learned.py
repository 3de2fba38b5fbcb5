"""A coherent dictionary learned from image patches by the block proximal gradient method.

The problem, with patches in R^p as the rows of ``Y`` and codes in R^n as the rows of ``X``::

    minimise  0.5 ||X D^T - Y||_F^2 + lam ||X||_1   over X and D with ||d_j||_2 <= 1

Method: Y. Xu and W. Yin, "A Block Coordinate Descent Method for Regularized Multiconvex
Optimization with Applications to Nonnegative Tensor Factorization and Completion", SIAM Journal on
Imaging Sciences 6(3), 2013: the prox-linear update (1.3c) of each block in turn, from a point
extrapolated with the weight min((t_{k-1} - 1) / t_k, 0.9999 sqrt(L_{k-1} / L_k)), and the update
repeated without extrapolation where the objective would increase. The benchmark (section 4.1.1)
names the method and the images but neither the patches nor lam: those are parameters here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from l2o.seeds import named_generator

# Rows of codes that are updated together, so that the temporaries fit a cache.
CHUNK = 1024
# Keeps the extrapolation weight strictly below the bound of the convergence proof.
WEIGHT_MARGIN = 0.9999
# Unused atoms are replaced in this first part of the iterations only: each then has time to settle.
REPLACING_PART = 0.75


@dataclass(frozen=True)
class LearnedDictionary:
    """The result of :func:`learn_dictionary`.

    Attributes
    ----------
    dictionary : (p, n) float64, columns of unit 2-norm
    objective : (iterations,) float64, after each iteration; it never increases, up to rounding
    nonzeros : mean number of non-zero entries of a final code
    unused : number of atoms that no final code uses; they too have unit norm
    """

    dictionary: np.ndarray
    objective: np.ndarray
    nonzeros: float
    unused: int


@dataclass
class _Iterate:
    """A point, with the products that its objective and the next dictionary step need."""

    dictionary: np.ndarray  # D, (p, n)
    codes: np.ndarray  # X, (count, n)
    gram: np.ndarray  # X^T X, (n, n)
    cross: np.ndarray  # Y^T X, (p, n)
    objective: float
    bounds: tuple[float, float] = (math.inf, math.inf)  # Lipschitz constants of the D and X steps


def learn_dictionary(
    patches: np.ndarray,
    atoms: int,
    sparsity_weight: float,
    iterations: int,
    seed: int,
    *,
    replace_every: int = 10,
    progress: Callable[[int, float], None] | None = None,
) -> LearnedDictionary:
    """Learn ``atoms`` unit-norm atoms from ``patches`` (problem and method: head of this module).

    The atoms start as patches of high contrast, the codes as zero. An atom that no patch uses
    would never move again, since its gradient is zero. So every ``replace_every`` iterations, in
    the first three quarters of them, such an atom becomes the direction of the residual of the
    worst-represented patch. Its codes are zero at that moment: the objective does not change.

    Parameters
    ----------
    patches : Y, (count, p), one patch a row, in units of the image's range [0, 1]
    atoms : n, at most the number of patches with median contrast or more
    sparsity_weight : lam > 0, in the unit of the patches
    iterations : number of iterations, each one dictionary step and one code step
    seed : root seed of the choice of initial atoms
    replace_every : iterations between two replacements of unused atoms
    progress : called with (iterations done, objective) after each iteration

    Returns
    -------
    LearnedDictionary; the same bytes for the same input, BLAS library and number of threads.

    Raises
    ------
    ValueError : fewer usable patches than atoms, a parameter out of range, lam too large.
    """
    if not (sparsity_weight > 0 and iterations > 0 and replace_every > 0 and atoms > 0):
        raise ValueError("atoms, sparsity_weight, iterations and replace_every must be positive")
    problem = _Problem(np.ascontiguousarray(patches, dtype=np.float64), sparsity_weight)
    now = before = problem.start(_initial_atoms(problem.patches, atoms, seed))
    if not now.gram.any():
        raise ValueError(f"sparsity_weight {sparsity_weight} leaves every code zero: lower it")
    trace, t = [], 1.0
    for k in range(1, iterations + 1):
        following = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * t * t))
        momentum, t = (t - 1.0) / following, following
        after = problem.step(now, before, momentum)
        if after.objective > now.objective:
            after = problem.step(now, before, 0.0)
        before, now = now, after
        if k % replace_every == 0 and k <= REPLACING_PART * iterations:
            problem.replace_unused(now, before)
        trace.append(now.objective)
        if progress:
            progress(k, now.objective)
    return LearnedDictionary(
        now.dictionary / np.linalg.norm(now.dictionary, axis=0),
        np.array(trace),
        float(np.count_nonzero(now.codes) / len(now.codes)),
        int(np.count_nonzero(np.diagonal(now.gram) == 0)),
    )


def _initial_atoms(patches: np.ndarray, atoms: int, seed: int) -> np.ndarray:
    """Choose ``atoms`` of the patches with at least median contrast, as unit columns (p, n)."""
    contrast = patches.std(axis=1)
    usable = np.flatnonzero((contrast >= np.median(contrast)) & (contrast > 0))
    if len(usable) < atoms:
        raise ValueError(f"{len(usable)} usable patches for {atoms} atoms: give more patches")
    chosen = named_generator(seed, "dictionary", "atoms").choice(usable, atoms, replace=False)
    columns = patches[chosen].T
    return columns / np.linalg.norm(columns, axis=0)


def _largest_eigenvalue(gram: np.ndarray) -> float:
    return float(eigh(gram, eigvals_only=True, subset_by_index=[len(gram) - 1] * 2)[0])


class _Problem:
    """The data of the problem, and the two steps of an iteration on it."""

    def __init__(self, patches: np.ndarray, sparsity_weight: float) -> None:
        self.patches = patches
        self.lam = sparsity_weight
        self.energy = float(np.vdot(patches, patches))

    def start(self, dictionary: np.ndarray) -> _Iterate:
        """Return the point one code step away from zero codes."""
        zero = np.zeros((len(self.patches), dictionary.shape[1]))
        bound = _largest_eigenvalue(dictionary.T @ dictionary)
        return self._code_step(dictionary, zero, zero, 0.0, bound)

    def step(self, now: _Iterate, before: _Iterate, momentum: float) -> _Iterate:
        """Return the point after a dictionary step and a code step."""
        bound = _largest_eigenvalue(now.gram)
        weight = min(momentum, WEIGHT_MARGIN * math.sqrt(now.bounds[0] / bound))
        ahead = now.dictionary + weight * (now.dictionary - before.dictionary)
        dictionary = ahead - (ahead @ now.gram - now.cross) / bound
        dictionary /= np.maximum(1.0, np.linalg.norm(dictionary, axis=0))
        bounds = (bound, _largest_eigenvalue(dictionary.T @ dictionary))
        weight = min(momentum, WEIGHT_MARGIN * math.sqrt(now.bounds[1] / bounds[1]))
        after = self._code_step(dictionary, now.codes, before.codes, weight, bounds[1])
        after.bounds = bounds
        return after

    def _code_step(
        self, d: np.ndarray, codes: np.ndarray, before: np.ndarray, weight: float, bound: float
    ) -> _Iterate:
        """Soft-threshold a gradient step of length 1 / ``bound`` of the codes, chunk by chunk."""
        out = np.empty_like(codes)
        gram, cross, l1 = np.zeros((d.shape[1], d.shape[1])), np.zeros(d.shape), 0.0
        for start in range(0, len(codes), CHUNK):
            rows = slice(start, start + CHUNK)
            y, v = self.patches[rows], codes[rows].copy()
            if weight > 0:
                v += weight * (v - before[rows])
            v -= ((v @ d.T - y) @ d) / bound
            v -= np.clip(v, -self.lam / bound, self.lam / bound)
            out[rows] = v
            gram += v.T @ v
            cross += y.T @ v
            l1 += float(np.abs(v).sum())
        fit = self.energy - 2.0 * float(np.vdot(d, cross)) + float(np.vdot(d.T @ d, gram))
        return _Iterate(d, out, gram, cross, 0.5 * fit + self.lam * l1)

    def replace_unused(self, now: _Iterate, before: _Iterate) -> None:
        """Turn unused atoms into directions of the largest residuals, in both iterates."""
        unused = np.flatnonzero(np.diagonal(now.gram) == 0)
        residual = self.patches - now.codes @ now.dictionary.T
        norms = np.linalg.norm(residual, axis=1)
        worst = np.argsort(-norms, kind="stable")[: len(unused)]
        worst = worst[norms[worst] > self.lam]  # along a shorter residual it would stay unused
        unused = unused[: len(worst)]
        now.dictionary[:, unused] = (residual[worst] / norms[worst, None]).T
        before.dictionary[:, unused] = now.dictionary[:, unused]  # no momentum of the old atom
        before.codes[:, unused] = 0.0
