"""Running moments of the gradient, corrected for their start at zero."""

from __future__ import annotations

from torch import Tensor

Moments = tuple[Tensor, Tensor, Tensor]


def no_moments(x: Tensor) -> Moments:
    """Return (m, v, t) at the start: zeros of the shape of x, and a count of zero."""
    return x.new_zeros(x.shape), x.new_zeros(x.shape), x.new_zeros(())


def corrected(
    gradient: Tensor, moments: Moments, beta1: float, beta2: float
) -> tuple[Tensor, Tensor, Moments]:
    """Return m^, sqrt(v^) and the new (m, v, t).

    m+ = beta1 m + (1 - beta1) g, v+ = beta2 v + (1 - beta2) g^2; the hats divide by 1 - beta^t.

    Source: Kingma & Ba 2015, algorithm 1.
    """
    m, v, t = moments
    m, v, t = m.lerp(gradient, 1 - beta1), v.lerp(gradient.square(), 1 - beta2), t + 1
    return m / (1 - beta1**t), (v / (1 - beta2**t)).sqrt(), (m, v, t)
