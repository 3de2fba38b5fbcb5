"""Inverse problems on pictures, as optimizees: f(x) = 0.5 ||D F x - y||^2 or 0.5 ||M x - y||^2.

F is the unitary Fourier transform, D and M are diagonal, x is a real picture. So the proximal
operator of f is exact and costs two transforms, or none. What is drawn (masks, noise) is in
:mod:`l2o.optimizees.imaging_draws`.

Source: *Learning to Optimize: A Primer and A Benchmark*, section 3.2.3; Ryu et al. 2019,
"Plug-and-play methods provably converge with properly trained denoisers", section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.fft import fft2, ifft2

from l2o.optimizees.instances import Instances

PICTURE = (-2, -1)  # axes of height and width


class ImagingProblem(Protocol):
    """What methods ask of a batch of pictures; all x are (batch, height, width), real."""

    def adjoint_start(self) -> Tensor:
        """Return what is measured as pictures: where all methods start."""

    def objective(self, x: Tensor) -> Tensor:
        """Return f, (batch,)."""

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient of f, as x."""

    def prox(self, x: Tensor, step: float) -> Tensor:
        """Return argmin_z f(z) + ||z - x||^2 / (2 step), exactly."""

    @property
    def lipschitz(self) -> float:
        """The least Lipschitz constant of the gradient."""

    @property
    def convexity(self) -> float:
        """The constant of strong convexity of f; 0: f is only convex."""


@dataclass(frozen=True)
class FourierProblem(Instances):
    """Pictures seen through a factor for each frequency: Fourier samples, or a circular blur.

    Parameters
    ----------
    originals : (batch, height, width), pixels from 0 to 1; no method sees them
    transfer : (batch, height, width), the diagonal of D, real
    real, imaginary : (batch, height, width), the two parts of y
    """

    originals: Tensor
    transfer: Tensor
    real: Tensor
    imaginary: Tensor

    def adjoint_start(self) -> Tensor:
        """Return Re F* y: zero filling of Fourier samples, or the blurred picture itself."""
        return ifft2(self._measured, norm="ortho").real

    def objective(self, x: Tensor) -> Tensor:
        """Return f, (..., batch)."""
        return 0.5 * self._misfit(x).abs().square().sum(PICTURE)

    def gradient(self, x: Tensor) -> Tensor:
        """Return Re F* D (D F x - y), (..., batch, height, width)."""
        return ifft2(self.transfer * self._misfit(x), norm="ortho").real

    def prox(self, x: Tensor, step: float) -> Tensor:
        """Return argmin_z f(z) + ||z - x||^2 / (2 step) over real z.

        Over real pictures the Hessian Re F* D^2 F is diagonal in Fourier, too: its diagonal is
        the mean of D^2 at each frequency and at its mirror image.
        """
        adjoint = ifft2(self.transfer * self._measured, norm="ortho").real
        wanted = fft2(x / step + adjoint, norm="ortho") / (self.power + 1 / step)
        return ifft2(wanted, norm="ortho").real

    @property
    def power(self) -> Tensor:
        """The eigenvalues of the Hessian over real pictures, (batch, height, width)."""
        square = self.transfer.square()
        mirrored = square.flip(PICTURE).roll((1, 1), PICTURE)
        return 0.5 * (square + mirrored)

    @property
    def lipschitz(self) -> float:
        """The least Lipschitz constant of the gradient."""
        return self.power.max().item()

    @property
    def convexity(self) -> float:
        """The constant of strong convexity."""
        return self.power.min().item()

    @property
    def _measured(self) -> Tensor:
        return torch.complex(self.real, self.imaginary)

    def _misfit(self, x: Tensor) -> Tensor:
        return self.transfer * fft2(x, norm="ortho") - self._measured


@dataclass(frozen=True)
class PixelProblem(Instances):
    """Pictures of which some pixels are known: inpainting.

    Parameters
    ----------
    originals : (batch, height, width), pixels from 0 to 1; no method sees them
    mask : (batch, height, width), 1 where a pixel is known, else 0
    pixels : (batch, height, width), the known pixels with their noise, elsewhere 0
    """

    originals: Tensor
    mask: Tensor
    pixels: Tensor

    def adjoint_start(self) -> Tensor:
        """Return the known pixels, and at all others the mean of the known ones."""
        known = self.mask.sum(PICTURE, keepdim=True).clamp_min(1)
        mean = self.pixels.sum(PICTURE, keepdim=True) / known
        return self.pixels + (1 - self.mask) * mean

    def objective(self, x: Tensor) -> Tensor:
        """Return f, (..., batch)."""
        return 0.5 * self.gradient(x).square().sum(PICTURE)

    def gradient(self, x: Tensor) -> Tensor:
        """Return M x - y, (..., batch, height, width)."""
        return self.mask * x - self.pixels

    def prox(self, x: Tensor, step: float) -> Tensor:
        """Return argmin_z f(z) + ||z - x||^2 / (2 step)."""
        return (x + step * self.pixels) / (1 + step * self.mask)

    @property
    def lipschitz(self) -> float:
        """The least Lipschitz constant of the gradient."""
        return self.mask.max().item()

    @property
    def convexity(self) -> float:
        """The constant of strong convexity."""
        return self.mask.min().item()
