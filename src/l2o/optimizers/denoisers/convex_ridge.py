"""The proximal operator of a learned convex ridge regulariser: a denoiser with a proof."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, softplus

from l2o.optimizers.denoiser import Denoiser
from l2o.optimizers.protocol import Hyperparameters
from l2o.optimizers.spectral_norms import norm_bound

FILTERS, KERNEL, CLIPS = 32, 7, 5
UNROLLED = 10  # steps of the training's forward pass
MOST, TOLERANCE = 200, 1e-4  # inner steps of a call, and the error of a pixel that ends them


class ConvexRidge(Denoiser):
    """H(y) = argmin_x 0.5 ||x - y||^2 + R(x), R(x) = sum over i and pixels of psi_i((W x)_i).

    psi_i' are odd and never fall: sums of clips, a >= 0 times clip(t, -b, b). W are 32 filters
    7 x 7 of mean zero, where they lie in the picture as a whole. So R is convex, and its gradient has a known Lipschitz
    constant L; H, a proximal operator, is firmly nonexpansive, and H - I has the constant
    L / (1 + L). The minimum is found by accelerated gradient descent; since the objective is
    strongly convex with constant 1, the norm of its gradient bounds the error. The strength t
    gives the proximal operator of t R.

    Hyperparameters: ``sigma``, standard deviation of the noise it is trained on, of 255.
    """

    name = "convex_ridge"
    label = "Convex ridge"
    reference = "Goujon, Neumayer, Bohra, Ducotterd & Unser 2022, 'A neural-network-based convex regularizer for inverse problems'"  # noqa: E501
    hyperparameters = {"sigma": 15.0}
    ranges = {"sigma": "(0, 255]"}
    departs = (
        "one convolution 7 x 7 in place of a composition, sums of clips in place of linear "
        "splines, accelerated steps in the training's unrolled minimisation"
    )
    firm = True

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        drawn = torch.randn(FILTERS, 1, KERNEL, KERNEL, generator=generator)
        self.filters = nn.Parameter(drawn / KERNEL)
        bends = torch.logspace(-0.5, 1.0, CLIPS) * self.noise
        self.bends = nn.Parameter(bends.log().repeat(FILTERS, 1))
        self.slopes = nn.Parameter(torch.full((FILTERS, CLIPS), -1.0))

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the unrolled minimisation from the noisy patches, (batch, height, width)."""
        weight, curvature = self._weight(), self._curvature(self._weight())
        return self._descent(noisy, noisy, weight, 1.0, curvature, UNROLLED, 0.0)[0]

    @torch.no_grad()
    def denoise(self, x: Tensor, strength: float, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return H(x) up to :data:`TOLERANCE`; the next call begins from it."""
        weight = self._weight().to(x.dtype)
        start = memory if memory.shape == x.shape else x
        bound = self.smoothness()
        found, _ = self._descent(x, start, weight, strength, bound, MOST, TOLERANCE)
        return found, found

    def _descent(self, y, start, weight, strength, bound, steps, tolerance):
        """Return the last point, and the largest root mean square of its gradient."""
        root = math.sqrt(1 + strength * float(bound))
        momentum, step = (root - 1) / (root + 1), 1 / (1 + strength * bound)
        x, before, error = start, start, math.inf
        for _ in range(steps):
            at = x + momentum * (x - before)
            gradient = at - y + strength * self._slope_of(at, weight)
            x, before = at - step * gradient, x
            if tolerance:
                # x is nearer to the minimum than `at`, whose error its gradient bounds.
                error = gradient.square().mean((-2, -1)).max().sqrt().item()
                if error <= tolerance:
                    break
        return x, error

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient of R, as x."""
        return self._slope_of(x, self._weight().to(x.dtype))

    def value(self, x: Tensor) -> Tensor:
        """Return R(x), (batch,): sums of Huber functions."""
        t = conv2d(x.unsqueeze(1), self._weight().to(x.dtype)).abs()
        total = torch.zeros_like(t)
        for a, b in self._clips(x.dtype):
            total = total + a * torch.where(t <= b, 0.5 * t.square(), b * (t - 0.5 * b))
        return total.sum((1, 2, 3))

    def _slope_of(self, x: Tensor, weight: Tensor) -> Tensor:
        t = conv2d(x.unsqueeze(1), weight)
        slopes = sum(a * torch.minimum(torch.maximum(t, -b), b) for a, b in self._clips(x.dtype))
        return conv_transpose2d(slopes, weight).squeeze(1)

    def _clips(self, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
        """Return height and place of the bends of all filters, each (filters, 1, 1), by clip."""
        slopes, bends = softplus(self.slopes).to(dtype), self.bends.exp().to(dtype)
        shape = (FILTERS, 1, 1)
        return [(slopes[:, i].view(shape), bends[:, i].view(shape)) for i in range(CLIPS)]

    def _weight(self) -> Tensor:
        return self.filters - self.filters.mean((-2, -1), keepdim=True)

    def _steepened(self, weight: Tensor) -> Tensor:
        """Return the filters times the root of the largest slope of their psi'."""
        return weight * softplus(self.slopes).sum(1).sqrt().view(-1, 1, 1, 1)

    def _curvature(self, weight: Tensor) -> Tensor:
        """Return L by the transfer functions of the filters at a grid, for training."""
        spectrum = torch.fft.fft2(self._steepened(weight), (16, 16)).abs().square()
        return spectrum.sum((0, 1)).max()

    def smoothness(self) -> float:
        """Return a Lipschitz constant L of the gradient of R, for pictures of every size."""
        return norm_bound(self._steepened(self._weight())) ** 2

    def residual_bound(self, strength: float = 1.0) -> float:
        """Return L / (1 + L) of strength times R."""
        bound = strength * self.smoothness()
        return bound / (1 + bound)

    def layers(self) -> list[Tensor]:
        """Return the filters, each times the root of its largest slope: of norm sqrt(L)."""
        return [self._steepened(self._weight()).detach()]
