"""Base of recurrent optimizers: what meta-training asks of them beside the steps."""

from __future__ import annotations

from torch import Generator, Tensor, nn

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State


class RecurrentOptimizer(nn.Module, Optimizer):
    """An optimizer with weights that are meta-trained.

    No derivative is taken through the optimizee's gradient.

    Parameters
    ----------
    hyper : see :class:`Optimizer`
    generator : draws the weights
    """

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        nn.Module.__init__(self)
        Optimizer.__init__(self, hyper)

    def meta_loss(self, optimizee: Optimizee, state: State) -> Tensor:
        """Return what meta-training minimises after a step, (): the optimizee's, at the iterate."""
        return optimizee.meta_loss(state[0])
