"""Descent to local minima from random starts: the plainest way to a low one.

A file of our own: SciPy's descents go alone, and call a function of Python for every evaluation.
"""

from __future__ import annotations

from torch import Tensor

from l2o.optimizers.descents import Descents, Restarted


class MultiStart(Restarted):
    """BFGS from random starts, each from N(0, ``spread``^2); the lowest point counts.

    A step spends ``evaluations``, half of them gradients, on ``descents`` side by side. The first
    descent begins at the given start. The state is that of
    :class:`l2o.optimizers.descents.Descents`, the best point first.
    """

    name = "multi_start"
    label = "Multi-start BFGS"
    reference = "Nocedal & Wright 2006, algorithm 6.1; Marti 2003"
    hyperparameters = {"evaluations": 8, "descents": 4, "spread": 1.0, "seed": 0}
    ranges = {
        "evaluations": "integers [2, 1e6]",
        "descents": "integers [1, 1e5]",
        "spread": "[0, inf)",
        "seed": "integers [0, 1e15]",
    }

    def begin(self, now: Descents) -> tuple[Tensor, Tensor, Tensor]:
        drawn = self.drawn("next", int(now.count), like=now.best)
        return now.x, now.value, self.hyper["spread"] * drawn
