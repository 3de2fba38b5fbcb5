"""Base of the classical solvers for measurements b = A x + noise."""

from __future__ import annotations

from itertools import islice

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measurements
from l2o.optimizers.protocol import Hyperparameters, Optimizer, iterates


class ClassicalSolver(Optimizer):
    """A classical solver; of the optimizee it reads b alone.

    Parameters
    ----------
    dictionary : A, (m, n), unit columns; its precision and device are those of the solver
    hyper : see :class:`Optimizer`
    """

    def __init__(self, dictionary: Tensor, hyper: Hyperparameters) -> None:
        super().__init__(hyper)
        self.A = dictionary
        order = "fro" if self.hyper.get("frobenius") else 2
        self.lipschitz = 1.001 * float(torch.linalg.matrix_norm(dictionary.double(), order)) ** 2

    def run(self, b: Tensor, iterations: int) -> list[Tensor]:
        """Return the iterates x_1 ... x_iterations from x = 0, each (batch, n)."""
        start = b.new_zeros(b.shape[0], self.A.shape[1])
        return list(islice(iterates(self, Measurements(b), start), iterations))

    def proximal_gradient(self, y: Tensor, b: Tensor) -> Tensor:
        """Return eta_{lam / L}(y - A^T (A y - b) / L), one ISTA step from ``y``."""
        v = ((b - y @ self.A.T) @ self.A).div_(self.lipschitz).add_(y)
        threshold = self.hyper["lam"] / self.lipschitz
        return v - v.clamp(-threshold, threshold)
