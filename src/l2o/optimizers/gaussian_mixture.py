"""The posterior under a centred Gaussian mixture with a share of exact zeros."""

from __future__ import annotations

import torch
from torch import Tensor


def mixture_posterior(
    r: Tensor, tau2: Tensor, log_share: Tensor, variance: Tensor
) -> tuple[Tensor, Tensor]:
    """Return E[x | r], (batch, n), and the mean over n of its slope in r, (batch, 1).

    r = x + N(0, tau2) of an x that is 0 or comes from one of J Gaussians N(0, ``variance``).

    Parameters
    ----------
    r : (batch, n)
    tau2 : (batch, 1); below the rounding of the largest variance it counts as that
    log_share : (J + 1,), logarithms of the shares up to a common term, the first one that of 0
    variance : (J,)
    """
    kind = torch.finfo(r.dtype)
    tau2 = torch.maximum(tau2, kind.eps**2 * variance.max()).clamp_min(kind.tiny)
    variance = variance[:, None, None]  # components first: sums over them are sums of whole arrays
    total = tau2 + variance
    gain = variance / total  # (J, batch, 1)
    square = r * r / tau2
    # Shares given r by that of 0, as logarithms: (J, batch, n).
    log_odds = (log_share[1:] - log_share[0])[:, None, None] + 0.5 * torch.log(tau2 / total)
    log_odds = torch.addcmul(log_odds, gain, square, value=0.5)
    share = torch.softmax(torch.cat([torch.zeros_like(square)[None], log_odds]), dim=0)[1:]
    mean_gain = (share * gain).sum(dim=0)
    # Of the gains about their mean; those of 0 have the rest of the shares.
    spread = (share * (gain - mean_gain).square()).sum(dim=0)
    spread = spread + (1 - share.sum(dim=0)) * mean_gain.square()
    slope = mean_gain + spread * square
    return mean_gain * r, slope.mean(dim=1, keepdim=True)
