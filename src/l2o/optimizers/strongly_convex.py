"""Accelerated gradient descent on objectives that are strongly convex with constant 1.

So of a point x the norm of the gradient is at least the distance to the minimum.

Source: Nesterov 2004, "Introductory lectures on convex optimization", scheme (2.2.11).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def accelerated(
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    step: float | Tensor,
    steps: int,
    tolerance: float,
) -> Tensor:
    """Return the last point of accelerated gradient descent, shaped as the start.

    Parameters
    ----------
    gradient : of the objective
    step : 1 / L, L the Lipschitz constant of the gradient
    steps : at most
    tolerance : root mean square error of a picture at which they end; 0: never
    """
    root = (step.detach() if isinstance(step, Tensor) else step) ** 0.5
    momentum = (1 - root) / (1 + root)
    x = before = start
    for _ in range(steps):
        at = x + momentum * (x - before)
        slope = gradient(at)
        x, before = at - step * slope, x
        # x is no further from the minimum than `at`, and that no further than its gradient.
        if tolerance and size_of(slope) <= tolerance:
            break
    return x


def size_of(x: Tensor) -> float:
    """Return the largest root mean square of a picture, of (batch, height, width)."""
    return x.square().mean((-2, -1)).max().sqrt().item()
