"""Nothing is restored: what was measured, as a picture."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.imaging import ImagingProblem
from l2o.optimizers.protocol import State
from l2o.optimizers.splitting import Splitting


class ZeroFilling(Splitting):
    """The start of all methods: zeros for unknown frequencies, the mean for unknown pixels."""

    name = "zero_filling"
    label = "Zero filling"
    reference = "Ryu, Liu, Wang, Chen, Wang & Yin 2019, table 3"
    hyperparameters = {}
    ranges = {}

    def mapped(self, f: ImagingProblem, state: State) -> tuple[Tensor, Tensor]:
        """Return the start again."""
        return state[1], state[-1]
