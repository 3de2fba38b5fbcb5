"""Base of recurrent optimizers that treat every coordinate alike."""

from __future__ import annotations

from typing import ClassVar

from torch import Generator, Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.recurrent.lstm import CoordinateLstm


class CoordinatewiseOptimizer(RecurrentOptimizer):
    """One LSTM for all coordinates, a state of its own for each.

    A subclass also declares ``features`` (input rows of the LSTM), and defines ``inputs`` and
    ``update``. Its state is (x, what it remembers, the tensors of the LSTM).
    """

    features: ClassVar[int]

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        self.lstm = CoordinateLstm(self.features, int(self.hyper["hidden"]))
        self.lstm.reset(generator)

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        return x, *self.remember(x), *self.lstm.init(x.numel(), x)

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after one step; no derivative is taken through the gradient."""
        x, *memory = state
        own = self.lstm.tensors(x.numel())
        kept, lstm = tuple(memory[:-own]), tuple(memory[-own:])
        inputs, kept = self.inputs(optimizee.gradient(x.detach()).detach(), kept)
        output, lstm = self.lstm(inputs, lstm)
        return x + self.update(output).view(x.shape), *kept, *lstm

    def remember(self, x: Tensor) -> State:
        """Return the memory beside the LSTM's at the start; none by default."""
        return ()

    def inputs(self, gradient: Tensor, memory: State) -> tuple[Tensor, State]:
        """Return the LSTM's input, (features, coordinates), and the new memory."""
        raise NotImplementedError

    def update(self, output: Tensor) -> Tensor:
        """Return the change of x from the LSTM's output, (1, coordinates)."""
        raise NotImplementedError
