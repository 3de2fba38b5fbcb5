"""What is certain of a denoiser: norms of its layers, and how far H - I can stretch and does.

Source: Ryu et al. 2019, assumption (A): ||(H - I) x - (H - I) y|| <= e ||x - y||, and theorems 1
and 2 (what e, with a strongly convex data term, lets plug-and-play converge).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from l2o.optimizers.denoiser import Denoiser
from l2o.optimizers.spectral_norms import norm_at, norm_bound
from l2o.seeds import named_seed

ITERATIONS = 30  # of power iterations
PICTURES = 3  # whose surroundings are measured
SMALL = 1e-3  # root mean square of a change, of pixels from 0 to 1


def certificate_rows(denoiser: Denoiser, pictures: Tensor, seed: int) -> list[dict[str, Any]]:
    """Return a row for each layer, and one, of layer 0, for H - I as a whole.

    ``before`` is a bound on a layer's norm before any normalisation, ``norm`` what a power
    iteration at the size of the pictures finds after it, a lower estimate, and ``bound`` holds for
    every size. As a whole: ``norm`` is the largest stretch that was found, ``bound`` is certain.

    Parameters
    ----------
    pictures : (count, height, width), pixels from 0 to 1
    """
    shape, about = tuple(pictures.shape[-2:]), {"denoiser": denoiser.name, "label": denoiser.label}
    about |= {"firm": int(denoiser.firm), "side": shape[0]}
    rows = []
    pairs = zip(denoiser.layers(), denoiser.before(), strict=True)
    for number, (weight, before) in enumerate(pairs, start=1):
        norm = norm_at(weight, shape, ITERATIONS)
        rows.append(
            {**about, "layer": number, "before": before, "norm": norm, "bound": norm_bound(weight)}
        )
    generator = torch.Generator().manual_seed(named_seed(seed, "certificates", denoiser.name))
    noisy = pictures[:PICTURES] + denoiser.noise * torch.randn(
        pictures[:PICTURES].shape, generator=generator
    )
    whole = {"layer": 0, "before": None, "norm": stretch(denoiser, noisy, generator)}
    return [{**about, **whole, "bound": denoiser.residual_bound()}, *rows]


def stretch(denoiser: Denoiser, x: Tensor, generator: torch.Generator) -> float:
    """Return the largest ||r(x + d) - r(x)|| / ||d|| found near pictures x, r = I - H.

    d goes by a power iteration with the derivative of r; whatever it is, the quotient is a lower
    bound of the Lipschitz constant.
    """
    size = SMALL * x[0].numel() ** 0.5
    d, here, largest = torch.randn(x.shape, generator=generator), denoiser.removed(x), 0.0
    for _ in range(ITERATIONS):
        d = d * (size / _norm(d).clamp_min(1e-30))
        moved = denoiser.removed(x + d) - here
        largest = max(largest, (_norm(moved) / _norm(d)).max().item())
        # The derivative of a proximal operator is symmetric, that of a net is not.
        d = moved if denoiser.firm else _transposed(denoiser, x, moved)
    return largest


def _transposed(denoiser: Denoiser, x: Tensor, u: Tensor) -> Tensor:
    """Return the transposed derivative of I - H at x, applied to u."""
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        (found,) = torch.autograd.grad(denoiser.removed(at), at, u)
    return found


def _norm(x: Tensor) -> Tensor:
    return x.square().sum((-2, -1), keepdim=True).sqrt()
