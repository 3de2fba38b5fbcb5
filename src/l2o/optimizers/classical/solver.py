"""The protocol of a classical solver for b = A x + noise: ``init``, then steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

State = tuple[Tensor, ...]
Hyperparameters = Mapping[str, float]


class ClassicalSolver:
    """Base of the classical solvers; it has no learned parameter.

    Parameters
    ----------
    dictionary : A, (m, n), unit columns; its precision and device are those of the solver
    hyper : fixed settings, by name; what is absent takes its default

    A subclass declares ``name``, ``label``, ``reference`` and ``hyperparameters`` as literals. A
    state is a tuple of tensors whose first entry is the iterate x, (batch, n).
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reference: ClassVar[str]
    hyperparameters: ClassVar[Mapping[str, float]]

    def __init__(self, dictionary: Tensor, hyper: Hyperparameters) -> None:
        self.A = dictionary
        self.hyper = {**self.hyperparameters, **hyper}
        self.lipschitz = 1.001 * float(torch.linalg.matrix_norm(dictionary.double(), 2)) ** 2

    def init(self, b: Tensor) -> State:
        """Return the state before the first iteration: x = 0 and the method's memory."""
        return (b.new_zeros(b.shape[0], self.A.shape[1]),)

    def step(self, state: State, b: Tensor) -> State:
        """Return the state after one more iteration."""
        raise NotImplementedError

    def run(self, b: Tensor, iterations: int) -> list[Tensor]:
        """Return the iterates x_1 ... x_iterations, each (batch, n)."""
        state, iterates = self.init(b), []
        for _ in range(iterations):
            state = self.step(state, b)
            iterates.append(state[0])
        return iterates

    def proximal_gradient(self, y: Tensor, b: Tensor) -> Tensor:
        """Return eta_{lam / L}(y - A^T (A y - b) / L), one ISTA step from ``y``."""
        v = y + (b - y @ self.A.T) @ self.A / self.lipschitz
        threshold = self.hyper["lam"] / self.lipschitz
        return v - v.clamp(-threshold, threshold)
