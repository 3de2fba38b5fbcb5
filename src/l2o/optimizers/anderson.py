"""Anderson mixing: what the last steps say of the next one, by least squares."""

from __future__ import annotations

import torch
from torch import Tensor

REST = 1e-30  # of ||F|| at the start; less counts as solved


def empty_history(z: Tensor, memory: int) -> tuple[Tensor, Tensor]:
    """Return no differences of iterates and of F, (batch, memory, n) each, at z, (batch, n).

    The memory is n at most: so many differences say all of a linear F.
    """
    none = z.new_zeros(len(z), min(memory, z.shape[-1]), z.shape[-1])
    return none, none


def remembered(history: Tensor, new: Tensor) -> Tensor:
    """Return a history with ``new``, (batch, n), in front and without its last entry."""
    return torch.cat([new[:, None], history[:, :-1]], dim=1)


def mixed(F: Tensor, dz: Tensor, dF: Tensor, ridge: float | Tensor) -> tuple[Tensor, Tensor]:
    """Return sum_j c_j dz_j and sum_j c_j dF_j, (batch, n) each, with ||F - sum_j c_j dF_j|| least.

    If F were linear, z less the first would have a residual of F less the second. Differences are
    taken in units of ||dF_j||, so that old and new ones count alike; where F has not changed there
    is nothing to learn.

    Parameters
    ----------
    F : at the iterate, (batch, n)
    dz, dF : differences of iterates and of F, (batch, memory, n); zeros where there is none
    ridge : weight of sum_j (c_j ||dF_j||)^2 beside the residual, (batch, 1, 1) or one number;
        rounding is added to it
    """
    sizes = dF.norm(dim=-1, keepdim=True)
    unit = torch.where(sizes > torch.finfo(F.dtype).tiny, 1 / sizes, 0.0)
    dz, dF = unit * dz, unit * dF
    least = dF.shape[1] * torch.finfo(F.dtype).eps  # what rounding makes of a zero
    diagonal = torch.eye(dF.shape[1]).to(dF)
    matrix = dF @ dF.transpose(1, 2) + (ridge + 10 * least) * diagonal
    # Where rounding or divergence leaves no factor there is nothing to learn either.
    factor, failed = torch.linalg.cholesky_ex(matrix)
    solved = torch.cholesky_solve(dF @ F[..., None], factor)
    c = torch.where((failed == 0)[:, None, None], solved, 0.0)
    return (c * dz).sum(dim=1), (c * dF).sum(dim=1)


def resting(F: Tensor, first: Tensor) -> Tensor:
    """Return which instances are solved, (batch, 1): F is less than 1e-30 of what it was at first.

    ``first`` is ||F||, (batch, 1). They rest, which saves the least squares.
    """
    return F.norm(dim=-1, keepdim=True) <= REST * first


def mixed_where(
    awake: Tensor, F: Tensor, dz: Tensor, dF: Tensor, ridge: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Return :func:`mixed` for the instances that are ``awake``, (batch,), and 0 for others."""
    rows = awake.nonzero()[:, 0]
    ridge = ridge[rows] if isinstance(ridge, Tensor) else ridge
    pair = mixed(F[rows], dz[rows], dF[rows], ridge)
    return tuple(torch.zeros_like(F).index_copy(0, rows, part) for part in pair)
