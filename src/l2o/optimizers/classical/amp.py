"""AMP: approximate message passing with soft-thresholding."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State


class Amp(ClassicalSolver):
    """v = b - A x + (||x||_0 / m) v_prev; x+ = eta_{alpha ||v|| / sqrt(m)}(x + A^T v).

    Sound for matrices with independent entries; it may diverge on a coherent dictionary.
    """

    name = "amp"
    label = "AMP"
    reference = "Donoho, Maleki & Montanari 2009; Borgerding et al. 2017, eqs. (5) to (7)"
    hyperparameters = {"alpha": 1.1}
    ranges = {"alpha": "(0, inf)"}

    def init(self, optimizee: Measured, x: Tensor) -> State:
        return x, torch.zeros_like(optimizee.b)

    def step(self, optimizee: Measured, state: State) -> State:
        (x, previous), b = state, optimizee.b
        m = b.shape[1]
        v = b - x @ self.A.T + (x != 0).sum(dim=1, keepdim=True).to(x) / m * previous
        threshold = self.hyper["alpha"] * torch.linalg.vector_norm(v, dim=1, keepdim=True)
        threshold = threshold / math.sqrt(m)
        r = x + v @ self.A
        return r - r.clamp(-threshold, threshold), v
