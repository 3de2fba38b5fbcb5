"""What all learned denoisers are: a map H of pictures, trained on noisy patches."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import conv2d

from l2o.optimizers.protocol import Hyperparameters
from l2o.optimizers.spectral_norms import norm_bound

GREY_LEVELS = 255.0  # what ``sigma`` is a part of


class Denoiser(nn.Module):
    """A denoiser H, of pictures (batch, height, width) with pixels from 0 to 1.

    Parameters
    ----------
    hyper : settings by name; what is absent takes its default
    generator : draws the weights

    A subclass declares ``name``, ``label``, ``reference``, ``hyperparameters`` (with ``sigma``, the
    standard deviation of the noise it is trained on, of 255) and their ``ranges``. ``firm`` says
    whether H is firmly nonexpansive, by proof.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reference: ClassVar[str]
    hyperparameters: ClassVar[Hyperparameters]
    ranges: ClassVar[Mapping[str, str]]
    firm: ClassVar[bool] = False

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__()
        self.hyper = {**self.hyperparameters, **hyper}

    @property
    def noise(self) -> float:
        """The standard deviation of the noise it is trained on, of pixels from 0 to 1."""
        return self.hyper["sigma"] / GREY_LEVELS

    def forward(self, noisy: Tensor) -> Tensor:
        """Return patches without their noise, as training sees it, (batch, height, width)."""
        raise NotImplementedError

    def denoise(self, x: Tensor, strength: float, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return H(x), and what the next call may begin from.

        Parameters
        ----------
        strength : how much is taken away; 1 as trained
        memory : of the last call; empty before the first
        """
        raise NotImplementedError

    def removed(self, x: Tensor) -> Tensor:
        """Return (I - H) x as trained, as exactly as it can be had."""
        return x - self.denoise(x, 1.0, x.new_empty(0))[0]

    def settle(self) -> None:
        """Bring the weights, once they are trained, to the form in which they are used."""

    def residual_bound(self, strength: float = 1.0) -> float:
        """Return a Lipschitz constant of H - I for pictures of every size."""
        raise NotImplementedError

    def layers(self) -> list[Tensor]:
        """Return the convolutions whose norms are to be certified, (outputs, inputs, k, k)."""
        raise NotImplementedError

    def before(self) -> list[float]:
        """Return the norms of :meth:`layers` before any normalisation, bounds for every size."""
        return [norm_bound(weight) for weight in self.layers()]


class ResidualNet(Denoiser):
    """H = I - R: R are convolutions 3 x 3 with zero padding, without bias, ReLU between.

    A subclass says how many ``depth`` there are, and with how many ``features``. R is positively
    homogeneous, so that a picture may have any scale. The strength t gives I - t R.
    """

    depth: ClassVar[int]
    features: ClassVar[int] = 64

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        channels = [1, *[self.features] * (self.depth - 1), 1]
        self.weights = nn.ParameterList()
        for inputs, outputs in pairwise(channels):
            scale = (2 / (9 * inputs)) ** 0.5  # He et al. 2015
            drawn = torch.randn(outputs, inputs, 3, 3, generator=generator)
            self.weights.append(nn.Parameter(scale * drawn))

    def forward(self, noisy: Tensor) -> Tensor:
        """Return patches without their noise, (batch, height, width)."""
        return noisy - self.residual(noisy, [*self.weights])

    def denoise(self, x: Tensor, strength: float, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return x - strength R(x); nothing is remembered."""
        return x - strength * self.residual(x, [*self.weights]), memory

    def residual(self, x: Tensor, weights: list[Tensor]) -> Tensor:
        """Return R(x), (batch, height, width)."""
        values = x.unsqueeze(1)
        for weight in weights[:-1]:
            values = conv2d(values, weight, padding=1).relu_()
        return conv2d(values, weights[-1], padding=1).squeeze(1)

    def residual_bound(self, strength: float = 1.0) -> float:
        """Return the product of the bounds of all layers, times the strength."""
        return strength * float(torch.tensor([*map(norm_bound, self.layers())]).double().prod())

    def layers(self) -> list[Tensor]:
        """Return the weights of all layers."""
        return [weight.detach() for weight in self.weights]
