"""Base of recurrent optimizers that treat every coordinate alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Generator, Tensor

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import GradientOptimizer, Level
from l2o.optimizers.recurrent.lstm import CoordinateLstm
from l2o.optimizers.recurrent.parts import Parts
from l2o.optimizers.recurrent.threads import over_blocks

BLOCK = 4096  # coordinates: with 20 units some 4 MB, about the size of a core's second cache


class CoordinatewiseOptimizer(GradientOptimizer):
    """One LSTM for all coordinates, a state of its own for each.

    A subclass also declares ``features`` (input rows of the LSTM), and defines ``inputs`` and
    ``update``. Its state is (x, what it remembers beside the LSTM, the tensors of the LSTM).
    """

    features: ClassVar[int]
    remembers: ClassVar[Mapping[str, Level]] = {}

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        self.lstm = CoordinateLstm(self.features, int(self.hyper["hidden"]))
        self.lstm.reset(generator)

    @property
    def levels(self) -> Mapping[str, Level]:
        """``remembers``, for all tensors of the memory."""
        return {**self.remembers, **dict.fromkeys(("h1", "c1", "h2", "c2"), "coordinate")}

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        return x, *self.memory(x)

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after one step; no derivative is taken through the gradient."""
        x, *memory = state
        dx, memory = self.change(optimizee.gradient(x.detach()).detach(), tuple(memory))
        return x + dx, *memory

    def memory(self, x: Tensor, parts: Parts | None = None) -> State:
        """Return the memory at the start x, (batch, n)."""
        return *self.remember(x), *self.lstm.init(x.numel(), x)

    def change(
        self, gradient: Tensor, memory: State, parts: Parts | None = None
    ) -> tuple[Tensor, State]:
        """Return the change of x by a step, (batch, n), and the new memory."""
        own = self.lstm.tensors(gradient.numel())
        inputs, kept = self.inputs(gradient, memory[:-own])
        output, lstm = self.lstm(inputs, memory[-own:])
        return self.update(output).view(gradient.shape), (*kept, *lstm)

    @torch.no_grad()
    def advance(self, gradient: Tensor, memory: State, parts: Parts | None = None) -> Tensor:
        """Return the change of x by a step, (1, n), and overwrite the memory by the new one.

        It goes through blocks of coordinates that fit into a core's cache.
        """
        if gradient.device.type != "cpu":  # without such caches
            return super().advance(gradient, memory, parts)
        kept, lstm, dx = memory[:-4], memory[-4:], torch.empty_like(gradient)

        def advance(block: slice) -> State:
            own = [tensor[..., block] if tensor.ndim else tensor for tensor in kept]
            inputs, new = self.inputs(gradient[:, block], tuple(own))
            for tensor, value in zip(own, new, strict=True):
                if tensor.ndim:
                    tensor.copy_(value)
            output = self.lstm.advance(inputs, [tensor[:, block] for tensor in lstm])
            dx[:, block] = self.update(output)
            return new

        starts = range(0, dx.numel(), BLOCK)
        *_, new = over_blocks(advance, [slice(start, start + BLOCK) for start in starts])
        for tensor, value in zip(kept, new, strict=True):
            if not tensor.ndim:  # a count, which all blocks share
                tensor.copy_(value)
        return dx

    def remember(self, x: Tensor) -> State:
        """Return the memory beside the LSTM's at the start; none by default."""
        return ()

    def inputs(self, gradient: Tensor, memory: State) -> tuple[Tensor, State]:
        """Return the LSTM's input, (features, coordinates), and the new memory."""
        raise NotImplementedError

    def update(self, output: Tensor) -> Tensor:
        """Return the change of x from the LSTM's output, (1, coordinates)."""
        raise NotImplementedError
