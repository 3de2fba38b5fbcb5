"""An unrolled net as an optimizer of any number of iterations."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.protocol import Measured
from l2o.optimizers.protocol import Optimizer, State
from l2o.optimizers.unrolled.net import UnrolledNet


class Continued:
    """The layers of a net, then a classical solver from the net's last iterate (paper, 4.1.2).

    The state is (x, iterations done, what the net or the solver remembers). A net starts at x = 0,
    where it was trained: the start that is given counts for nothing but its shape.
    """

    def __init__(self, net: UnrolledNet, after: Optimizer) -> None:
        self.net, self.after = net, after
        self.name, self.label = net.name, net.label

    def init(self, optimizee: Measured, x: Tensor) -> State:
        start, *memory = self.net.start(optimizee.b)
        return start, start.new_zeros(()), *memory

    def step(self, optimizee: Measured, state: State) -> State:
        x, done, *memory = state
        k, inner = int(done), (x, *memory)
        if k < self.net.depth:
            x, *memory = self.net.layer(k, inner, optimizee.b)
        else:
            if k == self.net.depth:
                inner = self.after.init(optimizee, x)
            x, *memory = self.after.step(optimizee, inner)
        return x, done + 1, *memory
