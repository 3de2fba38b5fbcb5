"""Evaluation on small smooth problems: minima with certificates, and the excess over them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2o.evaluation.family import Runs
from l2o.evaluation.runs import quartiles, start_points
from l2o.optimizees.instances import Instances
from l2o.optimizers.local_descent import local_minimum
from l2o.seeds import named_seed

SPREAD = 3.0  # standard deviation of the starts
NEWTON_STEPS = 30  # at most; three are usual
SOLVED = 1e-6  # excess of a run that counts as none
BELOW = 1e-9  # under a minimum: more than rounding
ALIKE = 1e-9  # values of f at one minimum


def minima(f: Instances, starts: int, seed: int) -> list[dict[str, float]]:
    """Return a row for each instance: the lowest minimum that was found.

    ``minimum``, f there; ``gradient``, the norm of its gradient, and ``curvature``, the least
    eigenvalue of its Hessian: its certificate as a strict local minimum, which on convex problems
    is the minimum; ``agreeing``, the share of the descents that ended there. BFGS descends from
    ``starts`` points of N(0, 9), and Newton's method ends at the lowest of what it finds.

    Parameters
    ----------
    f : smooth, with a gradient that derivatives can be taken through; float64
    """
    x = start_points(named_seed(seed, "minima"), starts, len(f), f.dimension, SPREAD)
    found, values = local_minimum(f, x)
    lowest, which = values.min(dim=0)
    x = _polished(f, found[which, torch.arange(len(f))])
    columns = {
        "minimum": torch.minimum(f.objective(x), lowest),
        "gradient": f.gradient(x).norm(dim=-1),
        "curvature": torch.linalg.eigvalsh(_hessian(f, x))[:, 0],
        "agreeing": (values <= lowest + ALIKE).double().mean(dim=0),
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [{"instance": i, **dict(zip(columns, row, strict=True))} for i, row in enumerate(rows)]


def _polished(f: Instances, x: Tensor) -> Tensor:
    """Return what Newton's method makes of points near minima, as long as gradients shrink."""
    size = f.gradient(x).norm(dim=-1)
    for _ in range(NEWTON_STEPS):
        new = x - torch.linalg.solve_ex(_hessian(f, x), f.gradient(x)).result
        shrunk = f.gradient(new).norm(dim=-1)
        better = shrunk < size
        if not better.any():
            break
        x = torch.where(better.unsqueeze(-1), new, x)
        size = torch.where(better, shrunk, size)
    return x


def _hessian(f: Instances, x: Tensor) -> Tensor:
    """Return the Hessian at x, (batch, n, n)."""
    at = x.detach().requires_grad_()
    rows = f.gradient(at).sum(dim=0).unbind(dim=-1)
    parts = [torch.autograd.grad(row, at, retain_graph=True)[0] for row in rows]
    return torch.stack(parts, dim=1)


def excess_columns(runs: Runs, lowest: np.ndarray) -> list[dict[str, Any]]:
    """Return what is told of the excess f - minimum at each recorded iteration.

    ``gap`` is its mean over all runs, ``gap_low`` and ``gap_high`` the extremes over the starts of
    its mean over instances; its quartiles; the shares of runs that are ``solved`` and ``below`` the
    minimum, more than by rounding: of problems that are not convex the minimum is the best known.
    What is below has no excess.

    Parameters
    ----------
    lowest : minimum of each instance, (instances,)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        excess = np.maximum(runs.values - lowest, 0.0)
        by_start = excess.mean(axis=2)
        shares = {"solved": excess <= SOLVED, "below": runs.values < lowest - BELOW}
    spread = quartiles(excess, ("gap_q25", "gap_median", "gap_q75"))
    return [
        {
            "gap": by_start[i].mean(),
            "gap_low": by_start[i].min(),
            "gap_high": by_start[i].max(),
            **row,
            **{name: float(share[i].mean()) for name, share in shares.items()},
        }
        for i, row in enumerate(spread)
    ]
