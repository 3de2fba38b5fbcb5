"""A coordinate-wise LSTM in blocks of coordinates that fit into a core's cache.

Its coordinates share nothing but weights. Where many runs advance together, one pass over all of
their coordinates goes through memory and takes more than twice as long as blocks do.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from l2o.optimizers.recurrent.coordinatewise import CoordinatewiseOptimizer
from l2o.optimizers.recurrent.lstm import CoordinateLstm, State

BLOCK = 4096  # coordinates: with 20 units some 4 MB, the size of a core's second cache


class BlockwiseLstm(nn.Module):
    """What a :class:`CoordinateLstm` computes, without derivatives.

    The states that it returns are valid until the call after the next one: their memory is used
    again.

    Parameters
    ----------
    lstm : its weights are shared
    block : coordinates computed at once
    """

    def __init__(self, lstm: CoordinateLstm, block: int = BLOCK) -> None:
        super().__init__()
        self.lstm, self.block = lstm, block
        # The last block has another width, so it gets memory of its own.
        self.last = copy.copy(lstm)
        self.last.spare, self.last.scratch = [], None
        self.memory: list[tuple[Tensor, State]] = []

    def init(self, coordinates: int, like: Tensor) -> State:
        """Return the zero state of that many coordinates."""
        return self.lstm.init(coordinates, like)

    @torch.no_grad()
    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output, (1, coordinates), and the new state, of features, (features, ...)."""
        output, new = self._memory(features, state)
        for start in range(0, features.shape[1], self.block):
            columns = slice(start, min(start + self.block, features.shape[1]))
            net = self.lstm if columns.stop - start == self.block else self.last
            given = tuple(tensor[:, columns] for tensor in state)
            out, after = net(features[:, columns], given)
            for target, values in zip((output, *new), (out, *after), strict=True):
                target[:, columns] = values
        return output, new

    def _memory(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the older of two sets of output and state."""
        if self.memory and self.memory[0][0].shape[1] != features.shape[1]:
            self.memory.clear()
        if len(self.memory) < 2:
            fresh = tuple(torch.empty_like(tensor) for tensor in state)
            self.memory.append((features.new_empty(1, features.shape[1]), fresh))
        else:
            self.memory.reverse()
        return self.memory[-1]


def in_blocks(optimizer: nn.Module) -> nn.Module:
    """Let a trained optimizer compute in blocks, if it is coordinate-wise; return it."""
    if isinstance(optimizer, CoordinatewiseOptimizer):
        optimizer.lstm = BlockwiseLstm(optimizer.lstm)
    return optimizer
