"""LASSO whose instances have an A each: f(x) = 0.5 ||A x - b||^2 + lam ||x||_1, told in its parts.

Source of the problem and its sizes: Liu, Chen, Wang, Yin & Cai 2023, "Towards Constituting
Mathematical Structures for Learning to Optimize" (ICML), section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.optimizees.instances import Instances
from l2o.optimizees.lasso import Lasso
from l2o.optimizees.lasso_optimum import Optima


@dataclass(frozen=True)
class FreshLasso(Lasso):
    """A batch of instances, or instances to draw batches from.

    Parameters
    ----------
    A : dictionaries, (batch, m, n), unit columns
    b : measurements, (batch, m)
    lam : weight of the 1-norm, above 0, (batch, 1)
    optimum : certified f* of each instance, (batch,)
    lipschitz : L, the largest eigenvalue of A^T A, (batch, 1)
    """

    lam: Tensor
    lipschitz: Tensor

    batch = Instances.batch

    def _residual(self, x: Tensor) -> Tensor:
        """Return A x - b, (..., batch, m)."""
        return (self.A @ x.unsqueeze(-1)).squeeze(-1) - self.b

    def objective(self, x: Tensor) -> Tensor:
        """Return f, (..., batch), at x, (..., batch, n)."""
        norm = x.abs().sum(dim=-1)
        return 0.5 * self._residual(x).square().sum(dim=-1) + self.lam.squeeze(-1) * norm

    def gradient(self, x: Tensor) -> Tensor:
        """Return a subgradient, (..., batch, n); that of |0| is taken as 0."""
        return self.smooth_gradient(x) + self.lam * x.sign()

    def smooth_gradient(self, x: Tensor) -> Tensor:
        """Return A^T (A x - b), (..., batch, n)."""
        return (self._residual(x).unsqueeze(-2) @ self.A).squeeze(-2)

    def proximal(self, v: Tensor, step: Tensor) -> Tensor:
        """Return v, (..., batch, n), with every entry brought nearer to 0 by lam step."""
        threshold = self.lam * step
        return v - torch.minimum(torch.maximum(v, -threshold), threshold)


def synthetic(
    randoms: Iterable[np.random.Generator], m: int, n: int, nonzeros: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw dictionaries A, (count, m, n), and b = A x*, (count, m), both float64.

    A has normal entries and then unit columns; x* has ``nonzeros`` normal entries at places of
    equal chance. Every instance has a random stream of its own, so that it is the same in a set of
    any size.

    Source: Liu et al. 2023, section 5.
    """
    pairs = []
    for random in randoms:
        A = random.standard_normal((m, n))
        A /= np.linalg.norm(A, axis=0)
        places = random.choice(n, nonzeros, replace=False)
        pairs.append((A, A[:, places] @ random.standard_normal(nonzeros)))
    A, b = map(np.stack, zip(*pairs, strict=True))
    return A, b


def worth_solving(A: np.ndarray, b: np.ndarray, lam: float, count: int) -> np.ndarray:
    """Return the first ``count`` of measurements b, (..., m), whose minimiser is not x = 0.

    Parameters
    ----------
    A : dictionary that they share, (m, n)
    lam : weight of the 1-norm

    Raises
    ------
    InputError : there are too few.
    """
    found = b[np.abs(b @ A).max(axis=1) > lam]
    if len(found) < count:
        problem = f"{len(found)} of {len(b)} patches have another code than 0, {count} are wanted"
        raise InputError("LASSO of patches", f"lam {lam:g}", problem, "lower lam")
    return found[:count]


def told(A: np.ndarray, b: np.ndarray, lam: float, optima: Optima) -> dict[str, np.ndarray]:
    """Return the fields of :class:`FreshLasso` by name, float64.

    Parameters
    ----------
    A : (count, m, n)
    b : (count, m)
    """
    largest = np.array([np.linalg.eigvalsh(one @ one.T)[-1] for one in A])
    weights = np.full((len(b), 1), lam)
    return {"A": A, "b": b, "lam": weights, "optimum": optima.objective} | {
        "lipschitz": largest[:, None]
    }
