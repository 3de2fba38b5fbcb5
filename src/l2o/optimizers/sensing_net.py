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
from torch.nn.functional import conv2d, relu

from l2o.optimizees.block_sensing import BLOCK, BlockSensing
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State

GAIN = 4.0  # of the filters that see the picture itself
LAYOUT = torch.channels_last  # of weights and features: twice as fast on a CPU


class SensingNet(nn.Module, Optimizer):
    """A net of phases; untrained it leaves the linear start as it is.

    Parameters
    ----------
    hyper : ``phases`` and ``filters``
    generator : draws the weights

    A subclass declares as literals ``threshold``, where thresholds begin, and ``whole``, whether
    convolutions see the whole picture or each block for itself, and defines ``build`` and
    ``proximal``.
    """

    threshold: ClassVar[float]
    judged: bool = True  # whether errors of symmetry are computed in a training
    whole: ClassVar[bool] = False

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
        """Return what phase k makes of images r, (images, 1, height, width), and by how
        much its two transforms are not inverse to each other: mean squared error, ().
        """
        raise NotImplementedError

    def phase(self, k: int, f: BlockSensing, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pictures after phase k, and its error of symmetry."""
        r = x - self.step_sizes[k] * f.gradient(x)
        if self.whole:
            images, error = self.proximal(k, r[:, None].contiguous(memory_format=LAYOUT))
            return images[:, 0], error
        cells = f.blocks(r)
        images = cells.reshape(-1, 1, BLOCK, BLOCK).contiguous(memory_format=LAYOUT)
        images, error = self.proximal(k, images)
        return f.joined(images.reshape(cells.shape)), error

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
    """Return 3 x 3 filters (outputs, inputs, 3, 3), normal, of twice Xavier's variance.

    A ReLU takes half of it away again (He, Zhang, Ren & Sun 2015).
    """
    scale = math.sqrt(4 / (9 * (inputs + outputs)))
    weight = scale * torch.randn(outputs, inputs, 3, 3, generator=generator)
    return nn.Parameter(weight.contiguous(memory_format=LAYOUT))


def drawn_details(inputs: int, outputs: int, generator: Generator) -> nn.Parameter:
    """Return filters as :func:`drawn`, that see no flat ground, and are larger by :data:`GAIN`.

    Features are then details of a picture, which are small beside its grey values, and above the
    thresholds: a short training ends 1 dB higher.
    """
    weight = drawn(inputs, outputs, generator)
    with torch.no_grad():
        weight -= weight.mean(dim=(1, 2, 3), keepdim=True)
        weight *= GAIN
    return weight
