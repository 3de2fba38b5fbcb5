"""Base of the classical solvers for measurements b = A x + noise."""

from __future__ import annotations

from itertools import islice
from typing import ClassVar

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured, Measurements
from l2o.optimizers.protocol import Hyperparameters, State, iterates


class ClassicalSolver:
    """A classical solver; it has no learned parameter.

    Parameters
    ----------
    dictionary : A, (m, n), unit columns; its precision and device are those of the solver
    hyper : fixed settings, by name; what is absent takes its default

    A subclass declares ``name``, ``label``, ``reference`` and ``hyperparameters`` as literals and
    defines ``step``. Of the optimizee it reads b alone.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reference: ClassVar[str]
    hyperparameters: ClassVar[Hyperparameters]

    def __init__(self, dictionary: Tensor, hyper: Hyperparameters) -> None:
        self.A = dictionary
        self.hyper = {**self.hyperparameters, **hyper}
        order = "fro" if self.hyper.get("frobenius") else 2
        self.lipschitz = 1.001 * float(torch.linalg.matrix_norm(dictionary.double(), order)) ** 2

    def init(self, optimizee: Measured, x: Tensor) -> State:
        """Return the state at the start x: x and the method's memory."""
        return (x,)

    def step(self, optimizee: Measured, state: State) -> State:
        """Return the state after one more iteration."""
        raise NotImplementedError

    def run(self, b: Tensor, iterations: int) -> list[Tensor]:
        """Return the iterates x_1 ... x_iterations from x = 0, each (batch, n)."""
        start = b.new_zeros(b.shape[0], self.A.shape[1])
        return list(islice(iterates(self, Measurements(b), start), iterations))

    def proximal_gradient(self, y: Tensor, b: Tensor) -> Tensor:
        """Return eta_{lam / L}(y - A^T (A y - b) / L), one ISTA step from ``y``."""
        v = y + (b - y @ self.A.T) @ self.A / self.lipschitz
        threshold = self.hyper["lam"] / self.lipschitz
        return v - v.clamp(-threshold, threshold)
