"""Cached layer inputs: the training set as one layer sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import State
from l2o.optimizers.unrolled.net import UnrolledNet

CHUNK = 2048  # samples moved through a layer at once; fixed, so that results do not depend on it


class LayerInputs:
    """The prepared inputs of the next layer for a whole sample set, advanced in place.

    Memory is one prepared state a sample (for LISTA-CP an iterate and a residual, n + m floats).
    A cache that starts anew from the weights ends with the same bits as one kept throughout.
    """

    def __init__(self, net: UnrolledNet, b: Tensor) -> None:
        self.net, self.b = net, b
        self.tensors: State = ()
        self.layer = 0
        for at in range(0, len(self), CHUNK):
            chunk = self.b[at : at + CHUNK]
            self._store(at, net.prepare(net.start(chunk), chunk))

    def __len__(self) -> int:
        return self.b.shape[0]

    def batch(self, index: Tensor) -> State:
        """Return the prepared inputs of the samples ``index``."""
        return tuple(tensor.index_select(0, index) for tensor in self.tensors)

    @torch.no_grad()
    def move_to(self, layer: int) -> None:
        """Advance to the inputs of ``layer`` (0-based), chunk by chunk, in place."""
        for k in range(self.layer, layer):
            for at in range(0, len(self), CHUNK):
                b = self.b[at : at + CHUNK]
                chunk = tuple(tensor[at : at + CHUNK].clone() for tensor in self.tensors)
                self._store(at, self.net.prepare(self.net.apply_layer(k, chunk, b), b))
        self.layer = max(self.layer, layer)

    def copy_from(self, other: LayerInputs) -> None:
        """Take over the position and the inputs of another cache of the same set."""
        for own, its in zip(self.tensors, other.tensors, strict=True):
            own.copy_(its)
        self.layer = other.layer

    def _store(self, at: int, prepared: State) -> None:
        if not self.tensors:
            self.tensors = tuple(t.new_empty(len(self), *t.shape[1:]) for t in prepared)
        for tensor, chunk in zip(self.tensors, prepared, strict=True):
            tensor[at : at + CHUNK] = chunk
