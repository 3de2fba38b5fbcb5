"""ISTA: the iterative soft-thresholding algorithm."""

from __future__ import annotations

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State


class Ista(ClassicalSolver):
    """x+ = eta_{lam/L}(x - A^T (A x - b) / L).

    L is the largest eigenvalue of A^T A, or with ``frobenius`` the sum of squares of A, which makes
    shorter steps.
    """

    name = "ista"
    label = "ISTA"
    reference = "Daubechies, Defrise & De Mol 2004; paper 4.1.2"
    hyperparameters = {"lam": 0.1, "frobenius": 0.0}
    ranges = {"lam": "(0, inf)", "frobenius": "integers [0, 1]"}

    def step(self, optimizee: Measured, state: State) -> State:
        return (self.proximal_gradient(state[0], optimizee.b),)
