"""LASSO: minimise f(x) = 0.5 ||A x - b||^2 + lam ||x||_1 (paper, eq. 18 and 4.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Lasso:
    """A batch of instances that share A and lam.

    Parameters
    ----------
    A : dictionary, (m, n), unit columns
    b : measurements, (batch, m)
    lam : weight of the 1-norm, above 0
    """

    A: Tensor
    b: Tensor
    lam: float

    def objective(self, x: Tensor) -> Tensor:
        """Return f of each instance, (batch,), at x, (batch, n)."""
        residual = x @ self.A.T - self.b
        return 0.5 * residual.square().sum(dim=1) + self.lam * x.abs().sum(dim=1)

    def gradient(self, x: Tensor) -> Tensor:
        """Return a subgradient of each instance, (batch, n); that of |0| is taken as 0."""
        return (x @ self.A.T - self.b) @ self.A + self.lam * x.sign()
