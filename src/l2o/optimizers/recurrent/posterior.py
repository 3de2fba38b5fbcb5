"""The posterior over an instance's optimum, given points and their values."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SMALLEST_SPREAD = 1e-12  # of values, so that equal ones are no division by zero
SMALLEST_ENTROPY = 0.5  # in nats, of the first estimate: the second one's rho is bounded


def kriged(points: Tensor, values: Tensor, length: float, noise: float) -> Tensor:
    """Return the values as a Gaussian process sees them, (batch, points).

    K (K + noise I)^-1 z with K_ij = exp(-|y_i - y_j|^2 / (2 n length^2)) and z the values, less
    their mean and over their standard deviation (both taken as constants).

    Parameters
    ----------
    points : y, (batch, points, n)
    values : (batch, points)
    length, noise : of the process; the length is per coordinate, in units of y

    Source: Cao et al. 2019, section 3 (loss function). The standardisation is our choice: it makes
    the posterior independent of the objective's scale.
    """
    given = values.detach()
    spread = given.std(dim=1, correction=0, keepdim=True).clamp_min(SMALLEST_SPREAD)
    z = (values - given.mean(dim=1, keepdim=True)) / spread
    squares = (points[:, :, None] - points[:, None]).square().mean(dim=3)
    kernel = (squares / (-2.0 * length**2)).exp()
    identity = torch.eye(points.shape[1], dtype=points.dtype, device=points.device)
    return (kernel @ torch.linalg.solve(kernel + noise * identity, z[:, :, None])).squeeze(2)


def posterior_entropy(
    points: Tensor, values: Tensor, length: float, noise: float, sharpness: float
) -> Tensor:
    """Return the entropy of where the optimum is, in nats, (batch,).

    -sum_j p_j log p_j with p = softmax(-rho f), f the values after :func:`kriged` and rho =
    sharpness exp(points^(1/n) / h). The entropy h is that of a first estimate, for which it is the
    uniform distribution's, log(points); of it no derivative is taken.

    Parameters
    ----------
    points : visited, (batch, points, n)
    values : at them, (batch, points)
    length, noise : of the Gaussian process
    sharpness : rho_0

    Source: Cao et al. 2019, section 3 (loss function), and for rho the released implementation.
    There the distribution is over the whole region, and the entropy an average over points drawn
    from it. That h counts as no less than :data:`SMALLEST_ENTROPY` is ours.
    """
    smooth, (count, n) = kriged(points, values, length, noise), points.shape[1:]
    entropy = smooth.new_full((len(smooth),), math.log(count))
    for _ in range(2):
        known = entropy.detach().clamp_min(SMALLEST_ENTROPY)
        rho = sharpness * (count ** (1 / n) / known).exp()
        logarithm = (-rho[:, None] * smooth).log_softmax(dim=1)
        entropy = -(logarithm.exp() * logarithm).sum(dim=1)
    return entropy
