"""The training of small networks by minibatches: stochastic optimizees (paper, 4.3).

An instance is a run: a network, which x holds, and a stream of minibatches of its own. The runs of
a batch advance together and share nothing but the images.

Which minibatch is seen: ``gradient`` takes the current one and moves on. So what is asked before
the gradient of a step is of the gradient's own minibatch, and what is asked of the new point after
the step, such as its meta-loss, is of the next one, which that step has not seen; the next gradient
takes the same one, so each minibatch is gathered once. It is an unbiased estimate of the training
loss, which the loss on the minibatch just used is not; the code of Andrychowicz et al. 2016 and of
the paper also draws another one for it. A method that asks for objectives after the gradient of
the same step (a line search) wants the fixed minibatch that ``at`` returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from l2o.errors import InputError
from l2o.optimizees.networks import (
    CLASSES,
    SIDE,
    Network,
    Shape,
    cross_entropy,
    dimension,
    parts,
)
from l2o.optimizees.protocol import Wrapped
from l2o.seeds import named_generator

MINIBATCH = 128  # images; paper, 4.3
SLICE = 500  # images evaluated at once


@dataclass(frozen=True)
class Digits:
    """Images with labels.

    Parameters
    ----------
    images : (count, 784) float32, rows of pixels one after another
    labels : (count,) int64, from 0 to 9
    source : where they are from, for messages

    Raises
    ------
    InputError : another shape or type, none at all, a pixel that is not finite, or another label.
    """

    images: Tensor
    labels: Tensor
    source: str = "digits"

    def __post_init__(self) -> None:
        images, labels, pixels = self.images, self.labels, SIDE * SIDE
        if images.ndim != 2 or images.shape[1] != pixels or images.dtype != torch.float32:
            found = f"{tuple(images.shape)} {images.dtype}"
            raise self._error("images", f"{found}, not (count, {pixels}) float32")
        if len(images) == 0:
            raise self._error("images", "none")
        if labels.shape != images.shape[:1] or labels.dtype != torch.int64:
            found = f"{tuple(labels.shape)} {labels.dtype}"
            raise self._error("labels", f"{found}, not ({len(images)},) int64")
        if not torch.isfinite(images).all():
            raise self._error("images", "NaN or infinity among the pixels")
        if labels.min() < 0 or labels.max() >= CLASSES:
            found = f"{labels.min()} to {labels.max()}"
            raise self._error("labels", f"{found}, not from 0 to {CLASSES - 1}")

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Digits:
        """Return the same digits on another device."""
        return Digits(self.images.to(device), self.labels.to(device), self.source)

    def _error(self, key: str, problem: str) -> InputError:
        return InputError(self.source, key, problem, "prepare the images again")


class Minibatches:
    """Which images make up minibatch t of each run.

    An epoch of a run is a random order of all images, cut into minibatches; the rest, fewer than
    ``size``, is left out of that epoch. The order follows from seed, stream, run and epoch alone.

    Parameters
    ----------
    count : images there are
    runs : number of each run
    seed : root of the named random streams
    stream : name of the streams, such as ``train``
    size : images of a minibatch

    Raises
    ------
    ValueError : ``size`` is not from 1 to ``count``.
    """

    def __init__(
        self, count: int, runs: Sequence[int], seed: int, stream: str, size: int = MINIBATCH
    ) -> None:
        if not 1 <= size <= count:
            raise ValueError(f"minibatches of {size} out of {count} images")
        self.count, self.runs, self.seed = count, tuple(runs), seed
        self.stream, self.size, self.per_epoch = stream, size, count // size
        self._epoch, self._orders = -1, np.empty((0, count), np.int32)

    def __getitem__(self, t: int) -> Tensor:
        """Return the images of minibatch t = 0, 1, ..., (runs, size) int64."""
        epoch, at = divmod(t, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._orders = epoch, self._drawn(epoch)
        chosen = self._orders[:, at * self.size : (at + 1) * self.size]
        return torch.from_numpy(chosen.astype(np.int64))

    def _drawn(self, epoch: int) -> np.ndarray:
        """Return the orders of an epoch, (runs, count)."""
        names = ("networks", self.stream, "minibatches")
        images = np.arange(self.count, dtype=np.int32)
        orders = [
            named_generator(self.seed, *names, run, epoch).permutation(images) for run in self.runs
        ]
        return np.array(orders, np.int32).reshape(len(orders), self.count)


@dataclass(frozen=True)
class Minibatch:
    """The optimizee of one minibatch for each run: a deterministic function.

    Parameters
    ----------
    network : what x holds the parameters of
    images : (batch, size, 784)
    labels : (batch, size) int64
    """

    network: Network
    images: Tensor
    labels: Tensor

    @property
    def parts(self) -> tuple[int, ...]:
        """Coordinates of each parameter tensor."""
        return parts(self.network)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of the parameter tensors."""
        return self.network.shapes

    def objective(self, x: Tensor) -> Tensor:
        """Return the mean cross-entropy, (..., batch), in nats, at x, (..., batch, n)."""
        return cross_entropy(self.network, x, self.images.to(x.dtype), self.labels)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, (..., batch, n), also where no graph is recorded."""
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.objective(x).sum(), x)
        return gradient

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return the mean cross-entropy of all points together, () (Andrychowicz et al. 2016)."""
        return self.objective(x).mean()


@dataclass
class NetworkTraining(Wrapped):
    """A batch of runs, each with its stream of minibatches; ``gradient`` moves all on by one.

    It has a place in the streams. Two loops that are to see the same minibatches, such as an
    optimizer and the one it imitates, take two objects.

    Parameters
    ----------
    network : what x holds the parameters of
    digits : that minibatches are drawn from
    minibatches : of each run
    position : number of the current minibatch; a run goes on from where another one ended
    """

    network: Network
    digits: Digits
    minibatches: Minibatches
    position: int = 0
    _current: tuple[int, Minibatch] | None = field(default=None, init=False, repr=False)

    @property
    def inner(self) -> Minibatch:
        """The optimizee of the current minibatch."""
        return self.at(self.position)

    def at(self, t: int) -> Minibatch:
        """Return the optimizee of minibatch t."""
        if self._current is None or self._current[0] != t:
            self._current = t, self._gathered(self.minibatches[t])
        return self._current[1]

    def _gathered(self, index: Tensor) -> Minibatch:
        flat = index.flatten().to(self.digits.labels.device)
        images = self.digits.images.index_select(0, flat).unflatten(0, index.shape)
        labels = self.digits.labels.index_select(0, flat).view(index.shape)
        return Minibatch(self.network, images, labels)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient on the current minibatch, (..., batch, n), and move on."""
        gradient = super().gradient(x)
        self.position += 1
        return gradient


@dataclass(frozen=True)
class NetworkTrainingFamily:
    """Runs to draw batches from: run i is the i-th stream of minibatches.

    Parameters
    ----------
    network : what x holds the parameters of
    digits : that minibatches are drawn from
    runs : how many there are
    seed : root of the named random streams
    stream : name of the streams, such as ``train``: other names see other minibatches
    size : images of a minibatch

    Raises
    ------
    InputError : a minibatch has no or more images than there are.
    """

    network: Network
    digits: Digits
    runs: int
    seed: int
    stream: str
    size: int = MINIBATCH

    def __post_init__(self) -> None:
        if not 1 <= self.size <= len(self.digits):
            problem = f"{len(self.digits)}, for minibatches of {self.size}"
            raise InputError(self.digits.source, "images", problem, "take smaller minibatches")

    def __len__(self) -> int:
        return self.runs

    @property
    def dimension(self) -> int:
        """The number of unknowns n."""
        return dimension(self.network)

    def batch(self, index: Tensor) -> NetworkTraining:
        """Return the runs ``index``, (batch,), at their first minibatch."""
        runs = index.tolist()
        minibatches = Minibatches(len(self.digits), runs, self.seed, self.stream, self.size)
        return NetworkTraining(self.network, self.digits, minibatches)


@torch.no_grad()
def evaluated(network: Network, x: Tensor, digits: Digits) -> tuple[Tensor, Tensor]:
    """Return mean cross-entropy and accuracy on all digits, (batch,) float64, at x, (batch, n).

    Loss in nats, accuracy from 0 to 1; where a logit is not finite the loss is NaN or infinite.
    """
    loss, right = x.new_zeros(2, len(x), dtype=torch.float64)
    if len(x) == 0:
        return loss, right
    for images, labels in _slices(digits):
        shared = images.to(x.dtype).expand(len(x), -1, -1)
        logits = network.logits(x, shared).log_softmax(dim=1)
        chosen = labels.expand(len(x), 1, -1)
        loss -= logits.gather(1, chosen).double().sum(dim=(1, 2))
        right += (logits.argmax(dim=1) == labels).sum(dim=1)
    return loss / len(digits), right / len(digits)


def _slices(digits: Digits) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images, (rows, 784), and labels, (rows,)."""
    pieces = digits.images.split(SLICE), digits.labels.split(SLICE)
    yield from zip(*pieces, strict=True)
