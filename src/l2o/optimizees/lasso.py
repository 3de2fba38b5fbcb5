"""LASSO: minimise f(x) = 0.5 ||A x - b||^2 + lam ||x||_1 (paper, eq. 18 and 4.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Of the optimum; below it the differences of float32 objectives are noise.
LOSS_FLOOR = 1e-5


@dataclass(frozen=True)
class Lasso:
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

    @property
    def dimension(self) -> int:
        """The number of unknowns n."""
        return self.A.shape[1]

    def batch(self, index: Tensor) -> Lasso:
        """Return the instances ``index``, (batch,)."""
        return Lasso(self.A, self.b[index], self.lam, self.optimum[index])

    def to(self, kind: torch.dtype | torch.device) -> Lasso:
        """Return the same instances in another precision or on another device."""
        tensors = (self.A.to(kind), self.b.to(kind))
        return Lasso(*tensors, self.lam, self.optimum.to(kind))

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


LassoFamily = Lasso  # for a while only: instances are a family of themselves
