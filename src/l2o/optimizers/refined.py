"""Iterates of any method brought near the minimiser of LASSO, as near as a duality gap says."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import State

BETWEEN = 15  # iterations between two looks at the gap, each of which costs as much as three
MARGIN = 1.001  # on the Lipschitz constant, as in the classical solvers


def relative_gap(A: Tensor, b: Tensor, lam: float, x: Tensor) -> Tensor:
    """Return (primal - dual) / primal of each row, (batch,): f(x) is that close to optimal.

    The dual point is the residual, scaled to be feasible (see l2o.optimizees.lasso_optimum).
    """
    residual = torch.addmm(b, x, A.T, alpha=-1)
    largest = (residual @ A).abs_().amax(dim=1).clamp_min_(torch.finfo(b.dtype).tiny)
    scale = (lam / largest).clamp_max_(1.0)
    energy = residual.square().sum(dim=1)
    primal = 0.5 * energy + lam * x.abs().sum(dim=1)
    dual = scale * ((residual * b).sum(dim=1) - 0.5 * scale * energy)
    return torch.where(primal > 0, (primal - dual) / primal, 0.0)


@torch.no_grad()
def refined(
    A: Tensor, b: Tensor, lam: float, x: Tensor, tolerance: float, most: int
) -> tuple[Tensor, Tensor]:
    """Return x with a relative duality gap of at most ``tolerance``, and the gaps, (batch,).

    FISTA goes on from each row of x that is not yet so near, and restarts a row's momentum where it
    points uphill.

    Parameters
    ----------
    A : (m, n)
    b : (batch, m)
    lam : weight of the 1-norm, above 0
    x : start, (batch, n); a row that is worse than 0 starts at 0
    most : iterations of a row; those that need more keep a larger gap

    Source: Beck & Teboulle 2009; restarts: O'Donoghue & Candes 2015, the gradient scheme.
    """
    f = 0.5 * torch.addmm(b, x, A.T, alpha=-1).square().sum(dim=1) + lam * x.abs().sum(dim=1)
    x = torch.where((f < 0.5 * b.square().sum(dim=1))[:, None], x, 0.0)
    gap = relative_gap(A, b, lam, x)
    step = 1.0 / (MARGIN * float(torch.linalg.matrix_norm(A.double(), 2)) ** 2) if most else 0.0
    rows = (gap > tolerance).nonzero()[:, 0]
    state = x[rows], x[rows], x.new_ones(len(rows), 1)
    for done in range(0, most, BETWEEN):
        if not len(rows):
            break
        state = _fista(A, b[rows], lam, state, step, min(BETWEEN, most - done))
        found = relative_gap(A, b[rows], lam, state[0])
        x[rows], gap[rows] = state[0], found
        still = found > tolerance
        rows, state = rows[still], tuple(part[still] for part in state)
    return x, gap


def _fista(A: Tensor, b: Tensor, lam: float, state: State, step: float, iterations: int) -> State:
    """Return the state after so many iterations of FISTA with restarts: x, y, t."""
    (x, y, t), threshold = state, step * lam
    for _ in range(iterations):
        v = torch.addmm(y, torch.addmm(b, y, A.T, alpha=-1), A, alpha=step)
        new = torch.nn.functional.softshrink(v, threshold)
        change = new - x
        uphill = torch.linalg.vecdot(y - new, change)[:, None] > 0
        t = torch.where(uphill, 1.0, t)
        following = (1.0 + torch.sqrt(1.0 + 4.0 * t * t)) / 2.0
        x, y, t = new, torch.addcmul(new, change, (t - 1.0) / following), following
    return x, y, t
