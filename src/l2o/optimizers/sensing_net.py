"""ISTA unrolled for pictures that are sensed by blocks, with a learned transform in every phase.

Phase k: r = x - lam_k A^T (A x - y), then x' = (a learned proximal step)(r), by convolutions.

Source: Zhang & Ghanem, "ISTA-Net: Interpretable Optimization-Inspired Deep Network for Image
Compressive Sensing", CVPR 2018, eqs. 7 to 11.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle, pixel_unshuffle, relu

from l2o.optimizees.block_sensing import BLOCK, BlockSensing
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State

LAYOUT = torch.channels_last  # of weights and features: twice as fast on a CPU


class SensingNet(nn.Module, Optimizer):
    """A net of phases; untrained it leaves the linear start as it is.

    Parameters
    ----------
    hyper : ``phases`` and ``filters``
    generator : draws the weights

    A subclass declares as literals ``threshold``, where thresholds begin, ``whole``, whether
    convolutions see the whole picture or each block for itself, and ``fold``, the side of the
    squares of pixels that are channels; and defines ``build`` and ``proximal``.
    """

    threshold: ClassVar[float]
    whole: ClassVar[bool] = False
    fold: ClassVar[int] = 1

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        nn.Module.__init__(self)
        Optimizer.__init__(self, hyper)
        self.depth, self.filters = int(self.hyper["phases"]), int(self.hyper["filters"])
        self.step_sizes = nn.Parameter(torch.ones(self.depth))
        self.thresholds = nn.Parameter(torch.full((self.depth,), self.threshold))
        self.phases = nn.ModuleList(
            nn.ParameterDict(self.build(generator)) for _ in range(self.depth)
        )

    def build(self, generator: Generator) -> dict[str, nn.Parameter]:
        """Return the filters of a phase."""
        raise NotImplementedError

    def proximal(self, k: int, r: Tensor) -> tuple[Tensor, Tensor]:
        """Return what phase k makes of images r, (images, channels, height, width), and by how
        much its two transforms are not inverse to each other: mean squared error, ().
        """
        raise NotImplementedError

    def phase(self, k: int, f: BlockSensing, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pictures after phase k, and its error of symmetry."""
        r = x - self.step_sizes[k] * f.gradient(x)
        if not self.whole:
            cells = f.blocks(r)
            images, error = self._folded(k, cells.reshape(-1, 1, BLOCK, BLOCK))
            return f.joined(images.reshape(cells.shape)), error
        cut = r.shape[1] % self.fold, r.shape[2] % self.fold
        padded = nn.functional.pad(
            r[:, None], (0, -cut[1] % self.fold, 0, -cut[0] % self.fold), mode="replicate"
        ) if any(cut) else r[:, None]  # fmt: skip
        images, error = self._folded(k, padded)
        return images[:, 0, : f.height, : f.width], error

    def _folded(self, k: int, images: Tensor) -> tuple[Tensor, Tensor]:
        """Run a proximal step on images whose squares of pixels are channels."""
        folded = pixel_unshuffle(images, self.fold) if self.fold > 1 else images
        found, error = self.proximal(k, folded.contiguous(memory_format=LAYOUT))
        return (pixel_shuffle(found, self.fold) if self.fold > 1 else found), error

    def forward(self, f: BlockSensing, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the pictures after every phase, and the errors of symmetry, (phases,)."""
        pictures, errors = [], []
        for k in range(self.depth):
            x, error = self.phase(k, f, x)
            pictures.append(x)
            errors.append(error)
        return pictures, torch.stack(errors)

    def init(self, optimizee: BlockSensing, x: Tensor) -> State:
        """Return the state at the start: x, and the phases that are done, ()."""
        return x, torch.zeros((), dtype=torch.long)

    def step(self, optimizee: BlockSensing, state: State) -> State:
        """Return the state after the next phase; the last one is followed by itself again."""
        x, done = state
        return self.phase(min(int(done), self.depth - 1), optimizee, x)[0], done + 1


def convolution(images: Tensor, weight: Tensor) -> Tensor:
    """Return a convolution by 3 x 3 filters, without bias, of images padded with zeros."""
    return conv2d(images, weight, padding=1)


def transform(images: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return convolution, ReLU, convolution."""
    return convolution(relu(convolution(images, first)), second)


def soft(v: Tensor, threshold: Tensor) -> Tensor:
    """Return v moved by the threshold towards 0, but not beyond."""
    return v.sign() * relu(v.abs() - threshold)


def drawn(inputs: int, outputs: int, generator: Generator) -> nn.Parameter:
    """Return 3 x 3 filters (outputs, inputs, 3, 3), Xavier normal."""
    scale = math.sqrt(2 / (9 * (inputs + outputs)))
    weight = scale * torch.randn(outputs, inputs, 3, 3, generator=generator)
    return nn.Parameter(weight.contiguous(memory_format=LAYOUT))
