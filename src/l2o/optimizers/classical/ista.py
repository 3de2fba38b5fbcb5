"""ISTA: the iterative soft-thresholding algorithm."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.classical.solver import ClassicalSolver, State


class Ista(ClassicalSolver):
    """x+ = eta_{lam/L}(x - A^T (A x - b) / L)."""

    name = "ista"
    label = "ISTA"
    reference = "Daubechies, Defrise & De Mol 2004; paper 4.1.2"
    hyperparameters = {"lam": 0.1}

    def step(self, state: State, b: Tensor) -> State:
        return (self.proximal_gradient(state[0], b),)
