"""Episodes of L2O-DM on the training of networks, many of them and of their copies at once.

What :class:`l2o.training.episodes.ModuleEpisode` computes one run after the other, to rounding:
here every run has weights of its own in one batched product. Meta-gradients are noisy, and to tell
a bias from noise takes thousands of runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from l2o.optimizees.network_training import Minibatch, NetworkTraining
from l2o.optimizers.protocol import State
from l2o.optimizers.recurrent.l2o_dm import L2oDm

GRAPH_BYTES = 5 * 2**27  # what the graph of a truncation may take, about; 640 MiB
BLOCK = 2**15  # coordinates of a step without a graph: its tensors should stay in the cache


class BatchedEpisodes:
    """R episodes beside each other, and copies of each; see :class:`l2o.training.episodes.Episode`.

    All have the same weights in the middle. States are (copies, R, ...) tensors: x (n), and four of
    the LSTM (hidden, n).

    Parameters
    ----------
    optimizer : L2O-DM
    training : the R runs; minibatches are asked for by their number
    x : the starts, (R, n)

    Attributes
    ----------
    span : number of the first step of the next truncation, and how many it has: to be set before
    """

    def __init__(self, optimizer: L2oDm, training: NetworkTraining, x: Tensor) -> None:
        self.optimizer, self.training = optimizer, training
        self.weights = parameters_to_vector(optimizer.parameters()).detach()
        self.shapes = [parameter.shape for parameter in optimizer.parameters()]
        self.hidden = int(optimizer.hyper["hidden"])
        self.own = self._begun(x[None])
        self.copies: State | None = None
        self.span = 0, 1

    def _begun(self, x: Tensor) -> State:
        memory = x.new_zeros(*x.shape[:-1], self.hidden, x.shape[-1])
        return x, *[memory] * 4

    def through(self) -> tuple[Tensor, Tensor]:
        """Move the own runs on; return losses, (R,), and derivatives, (R, P)."""
        losses, slopes, self.own = self._window(self._weights_of(self.own), self.own, slopes=True)
        return losses[0], slopes[0]

    def past(self) -> Tensor:
        """Move the own runs on; return losses, (R,)."""
        losses, _, self.own = self._window(self._weights_of(self.own), self.own, slopes=False)
        return losses[0]

    def perturbed(
        self, moves: Tensor, slopes: bool, persistent: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return losses, (R, ...), and derivatives, (R, ..., P), of copies; moves as the latter."""
        rows = moves.flatten(1, -2).transpose(0, 1)  # (copies, R, P)
        start = self.copies if persistent else None
        if start is None:
            start = tuple(part.expand(len(rows), *part.shape[1:]) for part in self.own)
        losses, found, after = self._window(self.weights + rows, start, slopes)
        if persistent:
            self.copies = after
        shape = moves.shape
        losses = losses.transpose(0, 1).reshape(shape[:-1])
        return losses, None if found is None else found.transpose(0, 1).reshape(shape)

    def _weights_of(self, state: State) -> Tensor:
        return self.weights.expand(*state[0].shape[:2], -1)

    def _window(
        self, weights: Tensor, state: State, slopes: bool
    ) -> tuple[Tensor, Tensor | None, State]:
        """Return losses and derivatives of (copies, R) runs, and their states after them."""
        parts = []
        for block in self._blocks(*weights.shape[:2], slopes):
            own = weights[block].detach().requires_grad_(slopes)
            with torch.set_grad_enabled(slopes):
                loss, after = self._steps(own, [part[block] for part in state], block[1])
            slope = torch.autograd.grad(loss.sum(), own)[0] if slopes else None
            parts.append((block, loss.detach(), slope, [part.detach() for part in after]))
        losses = weights.new_empty(weights.shape[:2], dtype=torch.float64)
        found = torch.empty_like(weights) if slopes else None
        end = tuple(torch.empty_like(part, memory_format=torch.contiguous_format) for part in state)
        for block, loss, slope, after in parts:
            losses[block] = loss
            if slopes:
                found[block] = slope
            for whole, part in zip(end, after, strict=True):
                whole[block] = part
        return losses, found, end

    def _blocks(self, copies: int, runs: int, slopes: bool) -> Iterator[tuple[slice, slice]]:
        """Yield copies and runs that are computed at once, as memory and cache have room."""
        n = self.own[0].shape[-1]
        most = BLOCK // n
        if slopes:
            step = (20 * self.hidden + 20) * n * 4  # bytes that a step of a run leaves in the graph
            most = min(most, GRAPH_BYTES // (step * self.span[1]))
        most = max(1, most)
        across = min(runs, most)
        down = max(1, most // across)
        for first in range(0, runs, across):
            for top in range(0, copies, down):
                yield slice(top, top + down), slice(first, first + across)

    def _steps(self, weights: Tensor, state: list[Tensor], runs: slice) -> tuple[Tensor, State]:
        """Return the mean losses of runs over the span, (copies, R), and their states after it."""
        first, count = self.span
        leading = weights.shape[:2]
        parts = weights.flatten(0, 1).split([shape.numel() for shape in self.shapes], dim=1)
        layers = [part.unflatten(1, shape) for part, shape in zip(parts, self.shapes, strict=True)]
        x, *memory = (part.flatten(0, 1) for part in state)
        total = weights.new_zeros(len(x), dtype=torch.float64)
        minibatch = self._minibatch(first, runs, leading[0])
        for t in range(first, first + count):
            gradient = minibatch.gradient(x)
            inputs, _ = self.optimizer.inputs(gradient, ())
            inputs = inputs.view(len(inputs), -1, x.shape[-1]).transpose(0, 1)
            output, memory = self._lstm(inputs, memory, layers)
            x = x + self.optimizer.update(output)[:, 0]
            minibatch = self._minibatch(t + 1, runs, leading[0])  # that the step has not seen
            total = total + minibatch.objective(x).double()
        losses, *after = (part.unflatten(0, leading) for part in (total / count, x, *memory))
        return losses, tuple(after)

    def _minibatch(self, t: int, runs: slice, copies: int) -> Minibatch:
        """Return the images of runs, for each copy of them: as rows, the copies one by one."""
        whole = self.training.at(t)
        seen = (part[runs].repeat(copies, *[1] * (part.ndim - 1))
                for part in (whole.images, whole.labels))  # fmt: skip
        return Minibatch(whole.network, *seen)

    def _lstm(
        self, inputs: Tensor, memory: list[Tensor], layers: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the output, (rows, 1, n), and the state; as :class:`CoordinateLstm`."""
        weight1, weight2, weight_out, bias_out = layers
        doubled = self.optimizer.lstm.doubled
        h1, c1 = _layer(inputs, *memory[:2], weight1 * doubled)
        h2, c2 = _layer(h1, *memory[2:], weight2 * doubled)
        return torch.baddbmm(bias_out, weight_out, h2), [h1, c1, h2, c2]


def _layer(given: Tensor, h: Tensor, c: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return h and c of a layer, (rows, hidden, n); the rows of ``weight`` for g are doubled."""
    arguments = torch.baddbmm(weight[..., -1:], weight[..., :-1], torch.cat([given, h], dim=1))
    i, f, o, g = arguments.sigmoid().chunk(4, dim=1)
    c = f * c + i * _signed(g)
    return o * _signed((2.0 * c).sigmoid()), c


def _signed(part: Tensor) -> Tensor:
    """Return tanh(z) from sigmoid(2 z): torch's own takes six times as long."""
    return 2.0 * part - 1.0
