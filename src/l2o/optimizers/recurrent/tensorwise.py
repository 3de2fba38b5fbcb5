"""Base of small networks that see a coordinate, and the tensor of the optimizee that it is of.

All coordinates share one network with two hidden layers of rectified units. Its inputs are

- of the coordinate: gradient, parameter, running means of the gradient and its square, and what a
  subclass makes of them;
- of its row and its column, where the rule is factored: running means of squared gradients there,
  r_i and c_j as in Adafactor, in place of the n of Adam. A tensor of more than two axes is a matrix
  with a row for each index of the first one; a vector has its squares in place of both;
- of the step t: tanh(t / T - 1) for T = 1, 3, 10, ..., 1e5, where the rule has clocks.

Each input but the last ones is divided by its root mean square over the tensor. So is the weight
instead, which is the same and cheaper; and what is the same in a row, a column, or everywhere is
multiplied once for it.

Source: Metz et al. 2019 and 2022, as in the released code of both.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from l2o.config.meta_training import AnalyticStart
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer

CLOCKS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000)
LINEAR = 2  # hidden units by which the drawn network is linear
SMALL = 0.01  # weights of the others in its output, as a share of what is usual
PACE = 10.0  # how many times as fast the logarithm of the rate is learned as a weight is
SPAN = 1000.0  # steps in which the rate falls by the learned amount
LEAST_FACTOR, LEAST_MEAN, LEAST_SQUARE = 1e-9, 1e-9, 1e-30  # as in the released code
LEAST_SIZE = 1e-8  # beside row and column means, as there


@dataclass(frozen=True)
class Block:
    """Where a tensor is, as a matrix.

    Parameters
    ----------
    at : its coordinates in x
    rows, columns : of the matrix; a vector is one column
    factors : its place among the row and column means of all tensors
    """

    at: slice
    rows: int
    columns: int
    factors: slice

    @property
    def vector(self) -> bool:
        """Whether there is nothing to factor."""
        return self.columns == 1


@cache
def blocks(shapes: tuple[tuple[int, ...], ...]) -> tuple[Block, ...]:
    """Return the tensors of these shapes, in their order."""
    found, start, used = [], 0, 0
    for shape in shapes:
        size = math.prod(shape)
        columns = size // shape[0] if len(shape) > 1 else 1
        rows = size // columns
        wanted = rows + columns if columns > 1 else rows
        found.append(Block(slice(start, start + size), rows, columns, slice(used, used + wanted)))
        start, used = start + size, used + wanted
    return tuple(found)


def blocks_of(optimizee: object, x: Tensor) -> tuple[Block, ...]:
    """Return the tensors in x, (batch, n): the optimizee's ``shapes``; else x is one vector."""
    return blocks(tuple(getattr(optimizee, "shapes", ((x.shape[1],),))))


@dataclass(frozen=True)
class Seen:
    """What is known of the coordinates of a tensor of ``rows`` x ``columns`` entries.

    Parameters
    ----------
    gradient, x : (batch, entries)
    means : of the gradient, (decays, batch, entries)
    square : of the gradient, (batch, entries)
    factor : 1 / the root of its factored square, (decays, batch, entries)
    """

    gradient: Tensor
    x: Tensor
    means: Tensor
    square: Tensor
    factor: Tensor


class TensorwiseRule(RecurrentOptimizer):
    """x+ = x - rate_t d, where d is made of what a small network says of every coordinate.

    rate_t = rate exp(a - c t), with a and c learned, 0 when drawn. The drawn network is d = the sum
    of those inputs that ``start`` names, each times its weight there, and a little noise.

    A subclass declares its class attributes and ``hyperparameters`` with ``rate`` and ``units``, of
    a hidden layer, and defines ``inputs``, ``direction`` and ``begin``. The state is (x, t, the
    means of the gradient, of its square, those of rows and columns).

    Attributes
    ----------
    means, squares, factors : decays of the running means
    rows : number of ``inputs``
    clocks : whether it sees t
    outputs : of the network
    floor : beside the mean square of an input over its tensor
    start : weights of inputs, by their numbers
    """

    means: ClassVar[tuple[float, ...]]
    squares: ClassVar[float] = 0.0
    factors: ClassVar[tuple[float, ...]] = ()
    rows: ClassVar[int]
    clocks: ClassVar[bool]
    outputs: ClassVar[int]
    floor: ClassVar[float]
    start: ClassVar[dict[int, float]]

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        units, of_lines = int(self.hyper["units"]), 4 * len(self.factors)
        self.parts = (self.rows, of_lines // 2, of_lines // 2, len(CLOCKS) * self.clocks)
        sizes = (sum(self.parts), units, units, self.outputs)
        pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.weights = nn.ParameterList(torch.empty(pair) for pair in pairs)
        self.biases = nn.ParameterList(torch.zeros(size) for size in sizes[1:])
        self.pace = nn.Parameter(torch.zeros(2))
        with torch.no_grad():
            for weight in self.weights:
                bound = weight.shape[1] ** -0.5
                weight.uniform_(-bound, bound, generator=generator)
            self._linear()

    def _linear(self) -> None:
        """Let two units of each layer hold the sum that ``start`` says, and its negative."""
        first, second, last = self.weights
        first[:LINEAR] = 0.0
        for number, weight in self.start.items():
            first[:LINEAR, number] = first.new_tensor([weight, -weight])
        second[:LINEAR] = torch.eye(LINEAR, second.shape[1])
        last.mul_(SMALL)
        last[0, :LINEAR] = last.new_tensor([1.0, -1.0])

    @torch.no_grad()
    def fall(self, start: AnalyticStart) -> None:
        """Let rates fall by the factor exp(-fall) every ``memory`` steps."""
        self.pace[1] = start.fall * SPAN / start.memory / PACE

    @abstractmethod
    def inputs(self, seen: Seen) -> list[Tensor]:
        """Return what the network sees of each coordinate, ``rows`` times (batch, entries)."""

    @abstractmethod
    def direction(self, outputs: Tensor, block: Block) -> Tensor:
        """Return d, (batch, entries), from the outputs, (batch, outputs, entries)."""

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        size = blocks_of(optimizee, x)[-1].factors.stop
        means = x.new_zeros(len(self.means), *x.shape)
        lines = x.new_zeros(len(self.factors), len(x), size)
        return x, x.new_zeros(()), means, torch.zeros_like(x), lines

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after one step; no derivative is taken through the gradient."""
        x, t, means, square, lines = state
        gradient, tensors = optimizee.gradient(x.detach()).detach(), blocks_of(optimizee, x)
        net = self._net(t)
        means = _followed(means, gradient, self.means)
        square = square.lerp(gradient.square(), 1.0 - self.squares)
        if self.factors:
            lines = _followed(lines, _line_squares(gradient, tensors), self.factors)
        found = []
        for block in tensors:
            known = gradient, x.detach(), means, square
            seen = [tensor[..., block.at] for tensor in known]
            outputs = self._network(seen, lines[..., block.factors], block, net)
            found.append(self.direction(outputs, block))
        exponent = PACE * (self.pace[0] - self.pace[1] * t / SPAN)
        dx = -self.hyper["rate"] * exponent.exp() * torch.cat(found, dim=1)
        return x + dx, t + 1, means, square, lines

    def _net(self, t: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return weight, (units, given), and bias, (units, 1), of each layer in a step.

        They are nodes of the graph, in which what the tensors give to a derivative meets: so its
        sums have the same order in every form of backpropagation. The clocks are in the bias.
        """
        pairs = zip(self.weights, self.biases, strict=True)
        net = [(weight.view_as(weight), bias[:, None]) for weight, bias in pairs]
        if self.clocks:
            clock = torch.tanh(t / t.new_tensor(CLOCKS) - 1.0)
            weight, bias = net[0]
            net[0] = weight, bias + (weight[:, -len(CLOCKS) :] @ clock)[:, None]
        return net

    def _network(
        self, seen: list[Tensor], lines: Tensor, block: Block, net: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        """Return the outputs, (batch, outputs, entries), for a tensor."""
        (first, bias), *others = net
        own, of_row, of_column, _ = first.split(self.parts, dim=1)
        factor, sizes = lines, []
        if self.factors:
            factor, sizes = _factor(lines, block), _sizes(lines, block)
        rows = torch.stack(self.inputs(Seen(*seen, factor)), dim=1)
        values = _affine(self._normal(own, rows), bias, rows)
        for weight, size, axis in zip((of_row, of_column), sizes, (-1, -2), strict=False):
            line = torch.bmm(self._normal(weight, size), size)
            axis = -1 if block.vector else axis
            values = (values.unflatten(-1, (block.rows, -1)) + line.unsqueeze(axis)).flatten(-2)
        for weight, bias in others:
            values = _affine(weight.expand(len(rows), -1, -1), bias, values.relu())
        return values

    def _normal(self, weight: Tensor, rows: Tensor) -> Tensor:
        """Return weights, (units, rows), over the sizes of rows, (batch, rows, entries)."""
        square = torch.linalg.vector_norm(rows, dim=-1).square() / rows.shape[-1]
        return weight / (square + self.floor).sqrt().unsqueeze(1)


def _affine(weight: Tensor, bias: Tensor, values: Tensor) -> Tensor:
    """Return W v + b, (batch, out, entries), of W, (batch, out, given), v and b, (out, 1)."""
    # Not by `@`, whose rounding depends on whether a graph is recorded.
    return torch.baddbmm(bias.expand(len(values), -1, -1), weight, values)


def _followed(means: Tensor, values: Tensor, decays: tuple[float, ...]) -> Tensor:
    """Return running means, (decays, batch, n), that have taken up values, (batch, n)."""
    new = 1.0 - means.new_tensor(decays)[:, None, None]
    return means.lerp(values.expand_as(means), new)


def _line_squares(gradient: Tensor, tensors: tuple[Block, ...]) -> Tensor:
    """Return the mean squares of rows and columns of all tensors, (batch, lines)."""
    found = []
    for block in tensors:
        square = gradient[:, block.at].square() + LEAST_SQUARE
        if not block.vector:
            square = square.unflatten(-1, (block.rows, block.columns))
            square = torch.cat([square.mean(dim=2), square.mean(dim=1)], dim=1)
        found.append(square)
    return torch.cat(found, dim=1)


def _factor(lines: Tensor, block: Block) -> Tensor:
    """Return 1 / the root of the factored square, (decays, batch, entries).

    Source: Shazeer & Stern 2018, algorithm 4.
    """
    if block.vector:
        return lines.clamp_min(LEAST_FACTOR).rsqrt()
    row, column = lines.split((block.rows, block.columns), dim=-1)
    share = row / (row.mean(dim=-1, keepdim=True) + LEAST_MEAN)
    row, column = (each.clamp_min(LEAST_FACTOR).rsqrt() for each in (share, column))
    return (row[..., None] * column[..., None, :]).flatten(-2)


def _sizes(lines: Tensor, block: Block) -> list[Tensor]:
    """Return what the network sees of rows and of columns: means, and 1 / their roots.

    Both are (batch, 2 decays, rows or columns).
    """
    both = (lines, lines) if block.vector else lines.split((block.rows, block.columns), dim=-1)
    return [torch.cat([each, (each + LEAST_SIZE).rsqrt()]).transpose(0, 1) for each in both]
