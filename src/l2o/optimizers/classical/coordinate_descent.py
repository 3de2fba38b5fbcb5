"""Coordinate descent on LASSO, a pass over all coordinates in each step."""

from __future__ import annotations

import torch

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State


class CoordinateDescent(ClassicalSolver):
    """For j = 1 ... n: x_j+ = eta_{lam}(a_j^T r + ||a_j||^2 x_j) / ||a_j||^2; r = b - A x follows.

    Each coordinate is put to its minimum while the others rest. The residual r is taken anew at the
    start of every pass, so that rounding errors do not add up. A pass costs two products with A, as
    a step of ISTA does, but in n parts that wait for each other.
    """

    name = "coordinate_descent"
    label = "CD, epochs"
    reference = "Friedman, Hastie & Tibshirani 2010, section 2; Wu & Lange 2008"
    hyperparameters = {"lam": 0.1}
    ranges = {"lam": "(0, inf)"}

    def step(self, optimizee: Measured, state: State) -> State:
        columns, lam = self.A.T.contiguous(), self.hyper["lam"]
        x = state[0].T.clone(memory_format=torch.contiguous_format)  # coordinates lie together
        r = (optimizee.b - state[0] @ self.A.T).T.contiguous()
        for column, size, at in zip(columns, columns.square().sum(dim=1).tolist(), x, strict=True):
            v = torch.mv(r.T, column).add_(at, alpha=size)
            moved = (v - v.clamp(-lam, lam)).div_(size).sub_(at)
            at += moved
            r.addr_(column, moved, alpha=-1)
        return (x.T,)
