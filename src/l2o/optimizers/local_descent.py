"""Descent to a local minimum with tight tolerance: BFGS, for a whole batch at once."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.line_search import backtracked

DECREASE, SHRINK = 1e-4, 0.5  # of the line search
TOLERANCE = 1e-6  # largest entry of the gradient at which an instance is done
STEPS = 1000  # what is not done then is returned as it is
LONGEST = 0.25  # step, in units of x; keeps the way inside a valley


def local_minimum(optimizee: Optimizee, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the local minima that descent from x leads to, and their values.

    f never rises on the way, up to rounding. What an instance gets does not depend on the others.
    It is done where the gradient is small, or where even the direction of the gradient leads to
    nothing lower, within the rounding of f.

    Source: BFGS with backtracking, Nocedal & Wright 2006, algorithm 6.1 and 3.1.

    Parameters
    ----------
    optimizee : f, smooth
    x : starts, (..., batch, n), float64
    """
    identity = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    H = identity.expand(*x.shape, x.shape[-1])
    value, g = optimizee.objective(x), optimizee.gradient(x)
    failed = stuck = torch.zeros_like(value, dtype=torch.bool)
    for _ in range(STEPS):
        active = (g.abs().amax(dim=-1) > TOLERANCE) & ~stuck
        if not active.any():
            break
        d = -(H @ g.unsqueeze(-1)).squeeze(-1)
        d = d * (LONGEST / d.norm(dim=-1, keepdim=True).clamp_min(LONGEST))
        slope = DECREASE * (g * d).sum(dim=-1)
        new, value, step = backtracked(
            optimizee, x, value, d, slope, active.to(value.dtype), SHRINK
        )
        gradient = optimizee.gradient(new)
        H = _updated(H, new - x, gradient - g)
        # Without a step the search goes on along the gradient, and ends if that fails, too.
        failed, before = active & (step == 0), failed
        stuck = stuck | (failed & before)
        H = torch.where(failed[..., None, None], identity, H)
        x, g = new, gradient
    return x, value


def _updated(H: Tensor, s: Tensor, y: Tensor) -> Tensor:
    """Return the inverse Hessian after the step s with change of gradient y.

    H+ = (I - s y^T / y^T s) H (I - y s^T / y^T s) + s s^T / y^T s where y^T s > 0, else H.
    """
    curvature = (s * y).sum(dim=-1)
    sound = curvature > 1e-10 * s.norm(dim=-1) * y.norm(dim=-1)
    rho = torch.where(sound, 1.0 / curvature.where(sound, 1.0), 0.0)[..., None, None]
    Hy = H @ y.unsqueeze(-1)
    cross = s.unsqueeze(-1) @ Hy.mT
    # Expanded, so that each term keeps the symmetry of H.
    scale = rho + rho.square() * (y.unsqueeze(-2) @ Hy)
    return H - rho * (cross + cross.mT) + scale * (s.unsqueeze(-1) @ s.unsqueeze(-2))
