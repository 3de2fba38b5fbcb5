"""ISTA with the longest steps that the support allows: Oracle-ISTA."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State


class OracleIsta(ClassicalSolver):
    """y = eta_{lam/M}(x - A^T (A x - b) / M), M = L of A's columns in the support of x; x+ = y
    where the support of y lies in that of x, else the step of ISTA, with the whole L.

    Among points with the support of x, M bounds the curvature, so that a step is a descent step. M
    is taken anew for the samples whose support has changed, as an eigenvalue of an (m, m) matrix: a
    cost beside the products with A that no count of iterations shows. M = L at x = 0.

    The state is (x, M, S): M (batch,), S the support that it belongs to, (batch, n) bool.
    """

    name = "oracle_ista"
    label = "OISTA"
    reference = "Ablin, Moreau, Massias & Gramfort 2019, algorithm 1"
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}

    def init(self, optimizee: Measured, x: Tensor) -> State:
        return x, x.new_full((len(x),), self.lipschitz), torch.zeros_like(x, dtype=torch.bool)

    def step(self, optimizee: Measured, state: State) -> State:
        x, largest, known = state
        support = x != 0
        changed = torch.nonzero((support != known).any(dim=1))[:, 0]
        if len(changed):
            largest = largest.clone()
            largest[changed] = self._lipschitz_on(support[changed])
        downhill = (optimizee.b - x @ self.A.T) @ self.A
        long, usual = (self._moved(x, downhill, c) for c in (largest[:, None], self.lipschitz))
        inside = ((long == 0) | support).all(dim=1, keepdim=True)
        return torch.where(inside, long, usual), largest, support

    def _moved(self, x: Tensor, downhill: Tensor, curvature: Tensor | float) -> Tensor:
        v = x + downhill / curvature
        threshold = self.hyper["lam"] / curvature
        return v - v.clamp(-threshold, threshold)

    def _lipschitz_on(self, support: Tensor) -> Tensor:
        """Return 1.001 times the largest eigenvalue of A_S^T A_S, (rows,); that of A for no S."""
        columns = self.A * support[:, None]
        found = 1.001 * torch.linalg.eigvalsh(columns @ self.A.T)[:, -1]
        return torch.where(found > 0, found.clamp_max(self.lipschitz), self.lipschitz)
