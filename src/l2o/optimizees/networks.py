"""Small networks as functions of flat parameter vectors; many of them are evaluated at once.

A vector holds the tensors of a network in the order and the layout of torch.nn, so that
``parameters_to_vector`` of a module is one. Row r of a batch of vectors, (batch, n), sees images
of its own, and no row depends on another.

The networks of the paper's test 3 (4.3): MLPs 784-20-10 with sigmoid and with ReLU, and a ConvNet.
The ConvNet's paddings are not in the paper. With strides of 2 in both convolutions and 28 x 28
images nothing is left without padding (28, 13, 6, 1, 0), so each convolution is padded by half its
kernel (28, 14, 7, 4, 2), as TensorFlow's SAME would; ReLU precedes the pooling. The authors' code
differs from their text: strides of 1, batch normalisation and a ReLU on the logits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from l2o.seeds import named_generator

SIDE = 28  # pixels of an image's side
CLASSES = 10
# The paper draws starts from N(0, 0.01) and does not say of what; in the authors' code, as in that
# of Andrychowicz et al. 2016, it is the standard deviation.
START_SCALE = 0.01

Shape = tuple[int, ...]


class Network(Protocol):
    """A family of functions from images to logits, told apart by flat vectors x."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of the parameter tensors, in their order in x."""
        ...

    def logits(self, x: Tensor, images: Tensor) -> Tensor:
        """Return the logits, (batch, classes, count).

        Parameters
        ----------
        x : (batch, n)
        images : (batch, count, pixels), of the type of x; no derivative reaches them
        """
        ...


def parts(network: Network) -> tuple[int, ...]:
    """Return the number of coordinates of each parameter tensor."""
    return tuple(math.prod(shape) for shape in network.shapes)


def dimension(network: Network) -> int:
    """Return the number of coordinates n."""
    return sum(parts(network))


def tensors(network: Network, x: Tensor) -> list[Tensor]:
    """Return views of x, (batch, n), one for each parameter tensor, (batch, *shape)."""
    pieces = x.split(parts(network), dim=-1)
    return [piece.unflatten(-1, shape) for piece, shape in zip(pieces, network.shapes, strict=True)]


ACTIVATIONS = {"sigmoid": torch.sigmoid, "relu": torch.relu}


@dataclass(frozen=True)
class Mlp:
    """Fully connected layers of any number and width.

    Parameters
    ----------
    widths : pixels, hidden units of each layer, classes
    activation : between layers, a name of ``ACTIVATIONS``

    Raises
    ------
    ValueError : fewer than two widths, a width below 1, or an unknown activation.
    """

    widths: tuple[int, ...]
    activation: str

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"an MLP of widths {self.widths}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation {self.activation!r}; known are {sorted(ACTIVATIONS)}")

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Weight and bias of each layer."""
        layers = zip(self.widths[1:], self.widths[:-1], strict=True)
        return tuple(shape for out, given in layers for shape in ((out, given), (out,)))

    def logits(self, x: Tensor, images: Tensor) -> Tensor:
        """Return the logits, (batch, classes, count)."""
        activation, pieces = ACTIVATIONS[self.activation], tensors(self, x)
        # Units are rows and images columns: the products take two thirds of the time.
        values = images.mT
        for at in range(0, len(pieces), 2):
            values = _linear(*pieces[at : at + 2], activation(values) if at else values)
        return values


def _linear(weight: Tensor, bias: Tensor, values: Tensor) -> Tensor:
    """Return W v + b, (batch, out, count), of v, (batch, given, count)."""
    return torch.baddbmm(bias[..., None], weight, values)


@dataclass(frozen=True)
class ConvNet:
    """The paper's ConvNet: 16 filters 3 x 3, ReLU, pooling; 32 filters 5 x 5, the same; linear.

    Both convolutions have strides of 2, both poolings take the maximum of 2 x 2. Rows are treated
    one after another: what one needs stays in the cache, and it already fills a core.
    """

    filters: tuple[int, int] = (16, 32)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Weight and bias of both convolutions and the linear layer."""
        first, second = self.filters
        kernels = (first, 1, 3, 3), (first,), (second, first, 5, 5), (second,)
        return *kernels, (CLASSES, 4 * second), (CLASSES,)

    def logits(self, x: Tensor, images: Tensor) -> Tensor:
        """Return the logits, (batch, classes, count)."""
        *filters, weight, bias = tensors(self, x)
        rows = zip(images, *(tensor.unbind() for tensor in filters), strict=True)
        values = torch.stack([_convolutions(*row) for row in rows])
        return _linear(weight, bias, values.mT)


def _convolutions(
    images: Tensor, weight1: Tensor, bias1: Tensor, weight2: Tensor, bias2: Tensor
) -> Tensor:
    """Return what the linear layer sees of one row's images, (count, features)."""
    count = len(images)
    values = _PooledFilters.apply(_patches(images), weight1.flatten(1))
    # Biases and ReLU are monotone and so may follow the maximum, where they cost a quarter.
    values = (values + bias1).relu()
    # Channels last: convolution and pooling are several times faster.
    values = values.view(count, SIDE // 4, SIDE // 4, -1).permute(0, 3, 1, 2)
    values = functional.conv2d(values, weight2, stride=2, padding=2)
    values = functional.max_pool2d(values, 2) + bias2[:, None, None]
    return values.relu().flatten(1)


def _patches(images: Tensor) -> Tensor:
    """Return the 3 x 3 patches of images, (9, 4 count 49): place in the pooling, image, pooling."""
    count, side = len(images), SIDE // 4
    padded = functional.pad(images.reshape(count, SIDE, SIDE), (1, 1, 1, 1))
    row, image = padded.shape[-1], padded[0].numel()
    shape = (3, 3, 2, 2, count, side, side)
    strides = (row, 1, 2 * row, 2, image, 4 * row, 4)
    return padded.as_strided(shape, strides).reshape(9, -1)


class _PooledFilters(torch.autograd.Function):
    """Filters on patches, (9, 4 rest), and the largest of the four places, (rest, filters).

    The first convolution and its pooling. Of equal values the first gets the gradient, as in torch,
    whose pooling takes ten times as long here.
    """

    @staticmethod
    def forward(ctx, patches: Tensor, weight: Tensor) -> Tensor:
        values = torch.mm(patches.t(), weight.t()).view(4, -1, len(weight))
        ctx.save_for_backward(patches, values)
        return values.amax(dim=0)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[None, Tensor]:
        patches, values = ctx.saved_tensors
        a, b, c, d = values
        result = torch.empty_like(values)
        front, rear = _shared(gradient, torch.maximum(a, b), torch.maximum(c, d))
        for at, (first, second, share) in enumerate(((a, b, front), (c, d, rear))):
            _shared(share, first, second, result[2 * at : 2 * at + 2])
        return None, torch.mm(patches, result.flatten(0, 1)).t()


_where_positive = torch.ops.aten.threshold_backward.grad_input


def _shared(gradient: Tensor, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the gradients of a and b, (2, ...), from that of their maximum; a's if equal."""
    out = gradient.new_empty(2, *gradient.shape) if out is None else out
    # Of all ways to select, this one alone is vectorised.
    _where_positive(gradient, b - a, 0, grad_input=out[1])
    torch.sub(gradient, out[1], out=out[0])
    return out


NETWORKS: Mapping[str, Network] = {
    "mlp_sigmoid": Mlp((SIDE * SIDE, 20, CLASSES), "sigmoid"),
    "mlp_relu": Mlp((SIDE * SIDE, 20, CLASSES), "relu"),
    "convnet": ConvNet(),
}


def cross_entropy(network: Network, x: Tensor, images: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over a row's images, (..., batch), in nats.

    Parameters
    ----------
    x : (..., batch, n)
    images : (batch, count, pixels), of the type of x
    labels : (batch, count) int64, from 0 to classes - 1
    """
    points = x.reshape(-1, *x.shape[-2:])
    losses = [_row_losses(network.logits(point, images), labels) for point in points]
    return torch.stack(losses).view(x.shape[:-1])


def _row_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of each row, (batch,)."""
    # Not torch's own, which has no deterministic form of it on CUDA.
    classes = torch.arange(logits.shape[1], device=labels.device)[:, None]
    of_label = torch.where(labels[:, None] == classes, logits.log_softmax(dim=1), 0.0)
    return of_label.sum(dim=(1, 2)) / -labels.shape[1]


def initial(network: Network, runs: int, seed: int) -> Tensor:
    """Return start points, (runs, n) float32, with entries i.i.d. N(0, START_SCALE^2).

    Every run has a random stream of its own: it starts at the same point whatever their number.
    """
    x = np.empty((runs, dimension(network)), np.float32)
    for run in range(runs):
        generator = named_generator(seed, "networks", "initial", run)
        x[run] = START_SCALE * generator.standard_normal(x.shape[1])
    return torch.from_numpy(x)
