"""A coordinate-wise LSTM in blocks of coordinates that fit into a core's cache.

Its coordinates share nothing but weights. Where many runs advance together, one pass over all of
their coordinates goes through memory and takes more than twice as long as blocks do.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from l2o.optimizers.recurrent.coordinatewise import BLOCK, CoordinatewiseOptimizer
from l2o.optimizers.recurrent.lstm import CoordinateLstm, Spare, State


class BlockwiseLstm(nn.Module):
    """What a :class:`CoordinateLstm` computes, without derivatives.

    Its state is that of the first block, that of the second, and so on. A step overwrites it: fresh
    memory comes from the system more slowly than a step computes.

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
        self.last.spare, self.last.scratch = (Spare(), Spare()), Spare()

    def init(self, coordinates: int, like: Tensor) -> State:
        """Return the zero state of that many coordinates."""
        starts = range(0, coordinates, self.block)
        widths = (min(self.block, coordinates - start) for start in starts)
        return tuple(tensor for width in widths for tensor in self.lstm.init(width, like))

    def tensors(self, coordinates: int) -> int:
        """Return the number of tensors in the state of that many coordinates."""
        return 4 * -(-coordinates // self.block)

    @torch.no_grad()
    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output, (1, coordinates), and the state, overwritten by the new one.

        Parameters
        ----------
        features : (features, coordinates)
        state : as :meth:`init` or the last call returned it
        """
        outputs = []
        for number, columns in enumerate(features.split(self.block, dim=1)):
            net = self.lstm if columns.shape[1] == self.block else self.last
            outputs.append(net.advance(columns, state[4 * number : 4 * number + 4]))
        return torch.cat(outputs, dim=1), state


def in_blocks(optimizer: nn.Module) -> nn.Module:
    """Let a trained optimizer compute in blocks, if it is coordinate-wise; return it.

    A step then overwrites the state that it is given: a loop that goes back to an earlier one, such
    as a safeguard, takes an optimizer that is not in blocks.
    """
    if isinstance(optimizer, CoordinatewiseOptimizer):
        optimizer.lstm = BlockwiseLstm(optimizer.lstm)
    return optimizer
