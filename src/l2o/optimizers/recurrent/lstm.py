"""A two-layer LSTM over coordinates, in the form that is fast on a CPU.

A coordinate-wise LSTM has 20 units and many thousand coordinates: as much time goes into point-wise
operations and into memory as into the products. Hence

- features are rows and coordinates columns, so that each gate is one contiguous block and the
  products with input, previous state and bias (a row of ones) are one;
- both layers and the output of a step are one node of the graph, whose values live in memory that
  later steps use again: fresh memory comes from the system more slowly than a step computes;
- derivatives are prepared where their factors are in the cache;
- tanh(z) is 2 sigmoid(2 z) - 1: torch's tanh takes six times as long as its sigmoid.

All operations are torch's own: they run on any device, in any real type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from l2o.config.meta_training import AnalyticStart

State = tuple[Tensor, ...]  # h and c of each layer, (hidden, coordinates)

Gate = Mapping[int, float]  # weights of a unit's gate by column, the others 0
_OPEN, _SHUT = {-1: 5.0}, {-1: -5.0}  # gates that let nearly all through, or nothing

_MINUS_ONE = torch.tensor(-1.0, dtype=torch.float32, device="cpu")
_through_sigmoid = torch.ops.aten.sigmoid_backward.grad_input
_through_tanh = torch.ops.aten.tanh_backward.grad_input


def _kind(tensor: Tensor) -> tuple[int, torch.dtype, torch.device, bool]:
    """Return what has to agree for memory to be used again."""
    return tensor.shape[1], tensor.dtype, tensor.device, tensor.is_inference()


class Spare(list):
    """Memory that is used again: a step that takes some out owns it until it brings it back.

    So steps in several threads share none. A copy of it, also a pickled one, is empty.
    """

    def take(self, like: Tensor, fresh: Callable[[Tensor], Any]) -> Any:
        """Return memory of the kind of ``like`` that another step has left, or else fresh one."""
        with suppress(IndexError):  # none is left
            while True:
                found = self.pop()
                if _kind(found.all) == _kind(like):
                    return found
        return fresh(like)

    def __reduce__(self) -> tuple:
        return Spare, ()


class _Scratch:
    """Memory of one layer at a time, (4 hidden, coordinates): of no meaning between them.

    In a forward pass it holds the arguments of the gates, in a backward pass their gradient.
    """

    def __init__(self, hidden: int, like: Tensor) -> None:
        self.all = like.new_empty(4 * hidden, like.shape[1])
        self.pair = self.all[: 2 * hidden]
        self.gates = self.all.split(hidden)


class _Layer:
    """What one step of one layer leaves to its backward pass; gates i, f, o, g.

    Parameters
    ----------
    given, hidden : rows of the layer's input and state
    like : a tensor with as many columns as there are coordinates
    """

    def __init__(self, given: int, hidden: int, like: Tensor) -> None:
        memory = like.new_empty(given + 6 * hidden + 1, like.shape[1])
        self.inputs, self.all, self.slope = memory.split([given + hidden + 1, 4 * hidden, hidden])
        self.given, self.before, ones = self.inputs.split([given, hidden, 1])
        ones.fill_(1.0)
        self.pair, self.gates = self.all[: 2 * hidden], self.all.split(hidden)

    def forward(
        self, given: Tensor, h: Tensor, c: Tensor, weight: Tensor, scratch: _Scratch
    ) -> tuple[Tensor, Tensor]:
        """Return the new h and c; ``weight`` has its rows of g doubled."""
        self.given.copy_(given)
        self.before.copy_(h)
        arguments, (bounded, *_) = scratch.all, scratch.gates
        torch.sigmoid(torch.mm(weight, self.inputs, out=arguments), out=self.all)
        i, f, o, g = self.gates
        torch.add(_MINUS_ONE, g, alpha=2.0, out=g)
        c = torch.mul(f, c).addcmul_(i, g)
        torch.mul(c, 2.0, out=bounded).sigmoid_()
        torch.add(_MINUS_ONE, bounded, alpha=2.0, out=bounded)
        h = torch.mul(o, bounded)
        # The derivatives of h: by c, and, where o was, by the argument of o.
        torch.addcmul(o, h, bounded, value=-1.0, out=self.slope)
        torch.addcmul(h, h, o, value=-1.0, out=o)
        return h, c

    def advance(
        self, given: Tensor, h: Tensor, c: Tensor, weight: Tensor, scratch: _Scratch
    ) -> None:
        """Overwrite h and c by what :meth:`forward` returns; prepare no derivatives."""
        self.given.copy_(given)
        self.before.copy_(h)
        torch.sigmoid(torch.mm(weight, self.inputs, out=scratch.all), out=self.all)
        i, f, o, g = self.gates
        torch.add(_MINUS_ONE, g, alpha=2.0, out=g)
        c.mul_(f).addcmul_(i, g)
        torch.mul(c, 2.0, out=g).sigmoid_()
        torch.add(_MINUS_ONE, g, alpha=2.0, out=g)
        torch.mul(o, g, out=h)

    def backward(
        self, dh: Tensor, dc: Tensor, c: Tensor, scratch: _Scratch
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients of weight and previous c; leave the gates' in the scratch."""
        di, df, do, dg = scratch.gates
        i, f, by_o, g = self.gates
        dc = torch.addcmul(dc, dh, self.slope)
        torch.mul(dc, g, out=di)
        torch.mul(dc, c, out=df)
        torch.mul(dh, by_o, out=do)
        torch.mul(dc, i, out=dg)
        _through_sigmoid(scratch.pair, self.pair, grad_input=scratch.pair)
        _through_tanh(dg, g, grad_input=dg)
        # With the factors the other way round the product takes up to twice as long.
        return torch.mm(self.inputs, scratch.all.t()).t(), dc.mul_(f)


class _Step(torch.autograd.Function):
    """One step of both layers and the output: features, state, weights -> output, state."""

    @staticmethod
    def forward(ctx, memory, features, h1, c1, h2, c2, weight1, weight2, out, bias, doubled):
        spares, (first, second) = memory
        scratch = spares[-1].take(features, partial(_Scratch, len(h1)))
        h1, new_c1 = first.forward(features, h1, c1, weight1 * doubled, scratch)
        h2, new_c2 = second.forward(h1, h2, c2, weight2 * doubled, scratch)
        spares[-1].append(scratch)
        ctx.spares, ctx.layers = memory
        ctx.save_for_backward(c1, h2, c2, weight1, weight2, out)
        return torch.addmm(bias, out, h2), h1, new_c1, h2, new_c2

    @staticmethod
    @once_differentiable
    def backward(ctx, doutput, dh1, dc1, dh2, dc2):
        c1, h2, c2, weight1, weight2, out = ctx.saved_tensors
        if ctx.layers is None:
            raise RuntimeError("the memory of this step already serves another one")
        first, second = ctx.layers
        hidden, features = len(h2), len(first.given)
        scratch = ctx.spares[-1].take(first.all, partial(_Scratch, hidden))
        dweight2, dc2 = second.backward(torch.addcmul(dh2, out.t(), doutput), dc2, c2, scratch)
        dgiven, dh2 = torch.mm(weight2[:, :-1].t(), scratch.all).split(hidden)
        dweight1, dc1 = first.backward(dgiven.add_(dh1), dc1, c1, scratch)
        start = 0 if ctx.needs_input_grad[1] else features
        dinputs = torch.mm(weight1[:, start:-1].t(), scratch.all)
        dfeatures, dh1 = dinputs.split([features - start, hidden])
        for spare, left in zip(ctx.spares, (first, second, scratch), strict=True):
            spare.append(left)
        ctx.layers = None
        dout, dbias = torch.mm(doutput, h2.t()), doutput.sum(dim=1, keepdim=True)
        return None, dfeatures, dh1, dc1, dh2, dc2, dweight1, dweight2, dout, dbias, None


class CoordinateLstm(nn.Module):
    """Two LSTM layers and a linear output, shared by all coordinates.

    Parameters
    ----------
    features : input rows
    hidden : units of each layer
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.features, self.hidden = features, hidden
        # Columns: input, previous state, bias.
        self.weight1 = nn.Parameter(torch.zeros(4 * hidden, features + hidden + 1))
        self.weight2 = nn.Parameter(torch.zeros(4 * hidden, 2 * hidden + 1))
        doubled = torch.cat([torch.ones(3 * hidden, 1), torch.full((hidden, 1), 2.0)])
        self.register_buffer("doubled", doubled, persistent=False)
        self.weight_out = nn.Parameter(torch.zeros(1, hidden))
        self.bias_out = nn.Parameter(torch.zeros(1, 1))
        self.spare, self.scratch = (Spare(), Spare()), Spare()  # of each layer, of both

    def reset(self, generator: torch.Generator) -> None:
        """Draw the weights: uniform in +-1/sqrt(hidden), as usual for an LSTM; no bias."""
        bound = self.hidden**-0.5
        with torch.no_grad():
            for weight in (self.weight1[:, :-1], self.weight2[:, :-1], self.weight_out):
                weight.uniform_(-bound, bound, generator=generator)

    @torch.no_grad()
    def begin(self, written: Gate, value: Gate, keep: float, start: AnalyticStart) -> None:
        """Let the output be a squashed average of the features, whose size falls with time.

        Unit 0 of the first layer keeps the average h, unit 1 is a clock c that goes from 0 to 1
        within some ``memory`` steps, and of the second layer one unit alone is read: the output is
        -sigmoid(-fall tanh c) tanh(tanh(gain h)). The other units keep the weights that were drawn,
        and are not read until training does.

        Parameters
        ----------
        written, value : weights of the features in the average's input gate and in what it writes,
            by column; -1 is the bias
        keep : of the average from step to step, a logit
        start : gain, memory, fall

        Source: Tallec & Ollivier 2018 (biases by which a unit remembers that many steps).
        """
        ticks = math.log(start.memory - 1)
        self._unit(self.weight1, 0, written, {-1: keep}, _OPEN, value)
        self._unit(self.weight1, 1, {-1: -ticks}, {-1: ticks}, _OPEN, _OPEN)
        self._unit(self.weight2, 0, _OPEN, _SHUT, {1: -start.fall}, {0: start.gain})
        self.weight_out.zero_()[0, 0] = -1.0
        self.bias_out.zero_()

    def _unit(self, weight: Tensor, unit: int, *gates: Gate) -> None:
        """Set a unit's weights of all four gates, in their order i, f, o, g."""
        for number, gate in enumerate(gates):
            row = weight[number * self.hidden + unit].zero_()
            for column, value in gate.items():
                row[column] = value

    def init(self, coordinates: int, like: Tensor) -> State:
        """Return the zero state of that many coordinates."""
        return tuple(like.new_zeros(self.hidden, coordinates) for _ in range(4))

    def tensors(self, coordinates: int) -> int:
        """Return the number of tensors in the state of that many coordinates."""
        return 4

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output, (1, coordinates), and the new state.

        The backward pass through a step can be taken once.

        Parameters
        ----------
        features : (features, coordinates)
        state : as :meth:`init` or the last call returned it
        """
        layers = self._layers(features)
        weights = self.weight1, self.weight2, self.weight_out, self.bias_out, self.doubled
        memory = (*self.spare, self.scratch), layers
        output, *state = _Step.apply(memory, features, *state, *weights)
        if not output.requires_grad:
            self._leave(layers)
        return output, tuple(state)

    @torch.no_grad()
    def advance(self, features: Tensor, state: State) -> Tensor:
        """Return the output of :meth:`forward` and overwrite the state by the new one."""
        h1, c1, h2, c2 = state
        first, second = layers = self._layers(features)
        scratch = self.scratch.take(features, partial(_Scratch, self.hidden))
        first.advance(features, h1, c1, self.weight1 * self.doubled, scratch)
        second.advance(h1, h2, c2, self.weight2 * self.doubled, scratch)
        self.scratch.append(scratch)
        self._leave(layers)
        return torch.addmm(self.bias_out, self.weight_out, h2)

    def _layers(self, like: Tensor) -> list[_Layer]:
        """Return memory for a step of both layers."""
        given = zip(self.spare, (self.features, self.hidden), strict=True)
        return [spare.take(like, partial(_Layer, rows, self.hidden)) for spare, rows in given]

    def _leave(self, layers: list[_Layer]) -> None:
        """Let later steps use the memory again."""
        for spare, layer in zip(self.spare, layers, strict=True):
            spare.append(layer)
