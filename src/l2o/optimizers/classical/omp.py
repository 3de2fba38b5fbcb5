"""OMP: orthogonal matching pursuit, one column more in each step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn.functional import pad

from l2o.optimizees.protocol import Measured
from l2o.optimizers.classical.solver import ClassicalSolver
from l2o.optimizers.protocol import State

ROUNDING = 8.0  # epsilons of the precision: what is as small against ||b|| is no residual


class Omp(ClassicalSolver):
    """S+ = S and argmax_j |a_j^T (b - A x)|; x+ = argmin ||b - A x|| over x that are 0 outside S.

    A sample stands still once S has ``nonzeros`` columns (0: as many as A has rows, at most), once
    ||b - A x|| <= ``tolerance`` ||b||, and where no column is left that is independent of those in
    S. It begins at x = 0, wherever it is told to start.

    The state is (x, r, Q, R, S, going): the iterate; r = b - A x; an orthonormal basis Q of the
    columns in S, (batch, k, m), a vector a row; R with Q^T = A_S R, (batch, k, k); S, (batch, k);
    which samples go on. Batch OMP (Rubinstein et al.) keeps A^T A in place of Q; with Q, which is
    orthogonalised twice, coherent columns cost no digits.
    """

    name = "omp"
    label = "OMP"
    reference = "Pati, Rezaiifar & Krishnaprasad 1993; Rubinstein, Zibulevsky & Elad 2008"
    hyperparameters = {"nonzeros": 0, "tolerance": 0.0}
    ranges = {"nonzeros": "integers [0, 1e15]", "tolerance": "[0, 1)"}

    def init(self, optimizee: Measured, x: Tensor) -> State:
        b = optimizee.b
        batch, m = b.shape
        going = torch.ones(batch, dtype=torch.bool, device=b.device)
        chosen = torch.empty((batch, 0), dtype=torch.long, device=b.device)
        empty = b.new_empty((batch, 0, 0))
        return torch.zeros_like(x), b, b.new_empty((batch, 0, m)), empty, chosen, going

    def step(self, optimizee: Measured, state: State) -> State:
        x, r, Q, R, chosen, going = state
        b, (m, n), count = optimizee.b, self.A.shape, chosen.shape[1]
        epsilon = torch.finfo(b.dtype).eps
        least = max(self.hyper["tolerance"], ROUNDING * epsilon)
        going = going & (vector_norm(r, dim=1) > least * vector_norm(b, dim=1))
        if count >= min(int(self.hyper["nonzeros"]) or m, m, n) or not going.any():
            return x, r, Q, R, chosen, going
        likeness = (r @ self.A).abs_().scatter_(1, chosen, 0.0)
        j = likeness.argmax(dim=1, keepdim=True)
        column = self.A.T[j[:, 0]]
        q, inside = column, b.new_zeros((len(b), count))
        for _ in range(2):  # once leaves rounding errors where the column is nearly in the span
            part = (q[:, None] @ Q.mT)[:, 0]
            q, inside = q - (part[:, None] @ Q)[:, 0], inside + part
        rest = vector_norm(q, dim=1)
        independent = rest > m * epsilon * vector_norm(column, dim=1)
        going = going & independent & (likeness.gather(1, j)[:, 0] > 0)
        scale = torch.where(going, 1 / rest, 0.0)[:, None]
        q = scale * q
        factor = scale * pad(-(R @ inside[:, :, None])[:, :, 0], (0, 1), value=1.0)
        chosen = torch.cat([chosen, j], dim=1)
        length = (q * r).sum(dim=1, keepdim=True)
        x = x.scatter_add(1, chosen, length * factor)
        R = torch.cat([pad(R, (0, 0, 0, 1)), factor[:, :, None]], dim=2)
        return x, r - length * q, torch.cat([Q, q[:, None]], dim=1), R, chosen, going
