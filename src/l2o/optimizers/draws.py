"""Random numbers for batches of runs: what a run gets does not depend on how many others there are.

Only uniform draws come one after the other; PyTorch fills blocks with normal ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.seeds import named_seed

LEAST = 1e-12  # also in float32; keeps the normal draw of a uniform one of 0 finite


def uniform_draws(seed: float, *names: str | int, like: Tensor, count: int) -> Tensor:
    """Return draws uniform in [0, 1), (count, *like.shape); ``like`` is (batch, ...).

    They come from the stream ``names`` under ``seed``, in the order of the batch.
    """
    random = torch.Generator().manual_seed(named_seed(int(seed), *names))
    shape = (len(like), count, *like.shape[1:])
    drawn = torch.rand(shape, generator=random, dtype=torch.float64)
    return drawn.transpose(0, 1).to(like)


def normal_draws(seed: float, *names: str | int, like: Tensor, count: int) -> Tensor:
    """Return draws from N(0, 1), else as :func:`uniform_draws` says."""
    drawn = uniform_draws(seed, *names, like=like, count=count)
    return torch.special.ndtri(drawn.clamp_min(LEAST)).to(like)
