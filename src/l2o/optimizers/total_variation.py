"""The proximal operator of isotropic total variation, by its dual problem.

    argmin_x 0.5 ||x - y||^2 + weight sum over pixels of |(D x)_i|_2 = y - D* p,
    p = argmin 0.5 ||y - D* p||^2 over |p_i|_2 <= weight

D are differences to the next pixel below and to the right, zero at the border. The duality gap
bounds the error: 0.5 ||x - x*||^2 is at most the gap.

Source: Beck & Teboulle 2009, "Fast gradient-based algorithms for constrained total variation image
denoising and deblurring problems", algorithm FGP; Chambolle 2004 (||D||^2 <= 8).
"""

from __future__ import annotations

import torch
from torch import Tensor

MOST, EVERY, TOLERANCE = 300, 10, 1e-4  # iterations, between two looks at the gap, error of a pixel


def differences(x: Tensor) -> Tensor:
    """Return D x, (2, batch, height, width)."""
    down, right = torch.zeros_like(x), torch.zeros_like(x)
    down[:, :-1] = x[:, 1:] - x[:, :-1]
    right[:, :, :-1] = x[:, :, 1:] - x[:, :, :-1]
    return torch.stack((down, right))


def adjoint(p: Tensor) -> Tensor:
    """Return D* p, (batch, height, width)."""
    down, right = p
    x = torch.zeros_like(down)
    x[:, 1:] += down[:, :-1]
    x[:, :-1] -= down[:, :-1]
    x[:, :, 1:] += right[:, :, :-1]
    x[:, :, :-1] -= right[:, :, :-1]
    return x


def total_variation(x: Tensor) -> Tensor:
    """Return the isotropic total variation, (batch,)."""
    return differences(x).square().sum(0).sqrt().sum((1, 2))


def denoised(y: Tensor, weight: float, dual: Tensor) -> tuple[Tensor, Tensor]:
    """Return the proximal operator of weight TV at y, (batch, height, width), and p.

    Parameters
    ----------
    dual : p to begin from; empty: zero
    """
    p = dual if dual.ndim == 4 else y.new_zeros((2, *y.shape))
    q, momentum = p, 1.0
    for k in range(1, MOST + 1):
        before = p
        moved = q + differences(y - adjoint(q)) / 8
        size = moved.square().sum(0).sqrt().div_(weight).clamp_min_(1.0)
        p = moved / size
        grown = 0.5 * (1 + (1 + 4 * momentum * momentum) ** 0.5)
        q, momentum = p + ((momentum - 1) / grown) * (p - before), grown
        if k % EVERY == 0 and _gap(y - adjoint(p), p, weight) <= 0.5 * TOLERANCE**2:
            break
    return y - adjoint(p), p


def _gap(x: Tensor, p: Tensor, weight: float) -> float:
    """Return the largest duality gap of a picture, per pixel."""
    along = (p * differences(x)).sum((0, 2, 3))
    return float((weight * total_variation(x) - along).max() / x[0].numel())
