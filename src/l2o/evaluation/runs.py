"""What the evaluations of iterative methods share: who takes part, where from, what is recorded."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from l2o.optimizers.protocol import Optimizer
from l2o.seeds import named_seed

DENSE = 20  # iterations up to which each one is recorded
PER_DECADE = 24  # recorded from there on


@dataclass(frozen=True)
class Contestant:
    """What the table says of a method beside its curve.

    ``variant`` is ``main`` or ``as_drawn``; the published iteration k is ours less ``shift``.
    ``layers`` counts the learned iterations of an unrolled net.
    """

    name: str
    kind: str
    label: str
    variant: str = "main"
    layers: int = 0
    shift: int = 0


@dataclass(frozen=True)
class Entry:
    """A method with its optimizer.

    Recurrent optimizers run in float32, in which they were trained: their precision is far above
    its rounding, and they take half the time. All others run in float64.
    """

    contestant: Contestant
    optimizer: Optimizer
    dtype: torch.dtype = torch.float64


def recorded_iterations(total: int, published: Iterable[int]) -> list[int]:
    """Return the iterations of a curve: the first ones all, then evenly on the logarithmic axis.

    ``published`` ones are among them, and those before: some published curves lag by one.
    """
    decades = math.log10(max(total, 10)) - 1
    spaced = np.geomspace(10, max(total, 10), round(PER_DECADE * decades) + 1).round().astype(int)
    wanted = {*range(DENSE + 1), *spaced.tolist(), total}
    wanted |= {k - lag for k in published for lag in (0, 1)}
    return sorted(k for k in wanted if 0 <= k <= total)


def start_points(seed: int, starts: int, instances: int, n: int, scale: float) -> Tensor:
    """Return random starts from N(0, scale^2), (starts, instances, n) float64.

    Start i is the same whatever the number of starts.
    """
    drawn = []
    for start in range(starts):
        generator = torch.Generator().manual_seed(named_seed(seed, "start", start))
        drawn.append(torch.randn(instances, n, generator=generator, dtype=torch.float64))
    return scale * torch.stack(drawn)
