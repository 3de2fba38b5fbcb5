"""LASSO: minimise f(x) = 0.5 ||A x - b||^2 + lam ||x||_1 (paper, eq. 18 and 4.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from l2o.optimizees.instances import Instances
from l2o.storage.sets import LASSO, read_split

# Of the optimum; below it the differences of float32 objectives are noise.
LOSS_FLOOR = 1e-5


@dataclass(frozen=True)
class Lasso(Instances):
    """A batch of instances that share A and lam, or instances to draw batches from.

    Parameters
    ----------
    A : dictionary, (m, n), unit columns
    b : measurements, (batch, m)
    lam : weight of the 1-norm, above 0
    optimum : certified f* of each instance, (batch,)
    """

    A: Tensor
    b: Tensor
    lam: float
    optimum: Tensor

    def __len__(self) -> int:
        return len(self.b)

    def batch(self, index: Tensor) -> Lasso:
        """Return the instances ``index``, (batch,)."""
        return Lasso(self.A, self.b[index], self.lam, self.optimum[index])

    def objective(self, x: Tensor) -> Tensor:
        """Return f, (..., batch), at x, (..., batch, n)."""
        residual = x @ self.A.T - self.b
        return 0.5 * residual.square().sum(dim=-1) + self.lam * x.abs().sum(dim=-1)

    def gradient(self, x: Tensor) -> Tensor:
        """Return a subgradient, (..., batch, n); that of |0| is taken as 0."""
        return (x @ self.A.T - self.b) @ self.A + self.lam * x.sign()

    def excess(self, x: Tensor) -> Tensor:
        """Return f(x) - f*, (..., batch)."""
        return self.objective(x) - self.optimum

    def relative_loss(self, x: Tensor) -> Tensor:
        """Return (f(x) - f*) / f*, (..., batch)."""
        return self.excess(x) / self.optimum

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return the logarithm of the batch's relative loss (paper, eq. 19), ().

        Our choice: with f itself as meta-loss the first iterations, where f is a hundred times the
        optimum, drown all others; and the logarithm of each instance for itself would count the
        few hard instances, which make up the figure, no more than the rest.
        """
        relative = self.excess(x).mean() / self.optimum.mean()
        return (relative.clamp_min(0.0) + LOSS_FLOOR).log()


def load_lasso(path: Path, dictionary: np.ndarray, lam: float, split: str = "test") -> Lasso:
    """Return the instances of a split of a stored set, in float64.

    Raises
    ------
    InputError : see :func:`l2o.storage.sets.read_split`.
    """
    b, optimum = read_split(path, split, names=("b", "optimum"), columns=LASSO)
    arrays = (dictionary, b.astype(np.float64), optimum)
    A, b64, f = (torch.from_numpy(array) for array in arrays)
    return Lasso(A, b64, lam, f)
