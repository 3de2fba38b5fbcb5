"""Basin hopping: a random walk from local minimum to local minimum.

A file of our own: SciPy's goes alone, and calls a function of Python for every evaluation.
"""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.descents import Descents, Restarted


class BasinHopping(Restarted):
    """BFGS from a minimum, displaced; its minimum is the next with probability exp(-rise / T).

    Each coordinate is displaced by a draw uniform in (-``jump``, ``jump``); T is ``temperature``,
    and at T = 0 nothing higher is taken. A step spends ``evaluations``, half of them gradients, on
    ``descents`` walks side by side. The first begins at the given start, the others at draws from
    N(0, ``spread``^2). The state is that of :class:`l2o.optimizers.descents.Descents`, the best
    point first.
    """

    name = "basin_hopping"
    label = "Basin hopping"
    reference = "Wales & Doye 1997; Li & Scheraga 1987"
    hyperparameters = {
        "evaluations": 8,
        "descents": 4,
        "jump": 1.0,
        "temperature": 1.0,
        "spread": 1.0,
        "seed": 0,
    }
    ranges = {
        "evaluations": "integers [2, 1e6]",
        "descents": "integers [1, 1e5]",
        "jump": "(0, inf)",
        "temperature": "[0, inf)",
        "spread": "[0, inf)",
        "seed": "integers [0, 1e15]",
    }

    def begin(self, now: Descents) -> tuple[Tensor, Tensor, Tensor]:
        count = int(now.count)
        moved = 2 * self.drawn("jump", count, like=now.best, normal=False) - 1
        lot = self.drawn("lot", count, like=now.lowest, normal=False)
        # exp(-rise / T) > lot, without a division by T = 0.
        taken = self.hyper["temperature"] * lot.log() <= now.level - now.value
        origin = torch.where(taken.unsqueeze(-1), now.x, now.origin)
        level = torch.where(taken, now.value, now.level)
        return origin, level, origin + self.hyper["jump"] * moved
