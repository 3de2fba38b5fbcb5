"""The proximal operator of a learned convex ridge regulariser: a denoiser with a proof."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import conv2d, hardtanh, softplus

from l2o.optimizers.denoiser import Denoiser
from l2o.optimizers.filters import folded, spread, spreading, wrapped
from l2o.optimizers.protocol import Hyperparameters
from l2o.optimizers.spectral_norms import norm_bound
from l2o.optimizers.strongly_convex import accelerated, size_of

FILTERS, KERNEL = 16, 7
MARGIN = KERNEL // 2
FIRST = 0.15  # norm of the drawn filters
UNROLLED = 10  # steps of the training's forward pass
MOST = 300  # inner steps of a call
LARGEST, RELATIVE, LEAST = 3e-4, 0.05, 1e-6  # errors at which they end


class ConvexRidge(Denoiser):
    """H(y) = argmin_x 0.5 ||x - y||^2 + R(x), R(x) = sum over i and pixels of psi_i((W x)_i).

    psi_i are Huber functions with a learned slope and bend: psi_i'(t) = a clip(t, -b, b). W are 16
    filters 7 x 7 of mean zero; a picture is continued periodically, so that R sees its border as
    well, but patches of the training are windows and are not. So R is convex, and its
    gradient has a known Lipschitz constant L; H, a proximal operator, is firmly nonexpansive, and
    H - I has the constant L / (1 + L). The minimum is found by accelerated gradient descent; since
    the objective is strongly convex with constant 1, the norm of its gradient bounds the error.
    The strength t gives the proximal operator of t R.

    Hyperparameters: ``sigma``, standard deviation of the noise it is trained on, of 255.
    """

    name = "convex_ridge"
    label = "Convex ridge"
    reference = "Goujon, Neumayer, Bohra, Ducotterd & Unser 2022, 'A neural-network-based convex regularizer for inverse problems'"  # noqa: E501
    hyperparameters = {"sigma": 15.0}
    ranges = {"sigma": "(0, 255]"}
    departs = (
        "one convolution 7 x 7 in place of a composition, Huber functions in place of integrated "
        "splines, accelerated steps in the training's unrolled minimisation"
    )
    firm = True

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        drawn = torch.randn(FILTERS, 1, KERNEL, KERNEL, generator=generator)
        self.filters = nn.Parameter(FIRST * drawn / KERNEL)
        self.bends = nn.Parameter(torch.full((FILTERS,), math.log(FIRST * self.noise)))
        self.slopes = nn.Parameter(torch.full((FILTERS,), 0.5))

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the unrolled minimisation from the noisy patches, (batch, height, width)."""
        curvature = torch.fft.fft2(self._steepened(), (16, 16)).abs().square().sum((0, 1)).max()
        pair = self._pair(noisy.dtype)
        gradient = lambda x: x - noisy + self._inner_slope(x, pair)  # noqa: E731
        return accelerated(gradient, noisy, 1 / (1 + curvature), UNROLLED, 0.0)

    @torch.no_grad()
    def denoise(self, x: Tensor, strength: float, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return H(x); the next call begins from it.

        Its error, root mean square of a picture's pixels, is at most :data:`RELATIVE` of how far
        that has moved since the last call, and at most :data:`LARGEST`; see :func:`accelerated`.
        Pictures are taken one by one: each is done when it is done, and stays in the cache.
        """
        again = memory.shape[1:] == x.shape
        starts, given = memory[0] if again else x, (self._pair(x.dtype), strength)
        bound, found = self.smoothness(), torch.empty_like(x)
        for i, (y, start) in enumerate(zip(x.split(1), starts.split(1), strict=True)):
            moved = size_of(y - memory[1, i]) if again else float("inf")
            tolerance = min(LARGEST, max(LEAST, RELATIVE * moved))
            found[i] = self._descent(y, start, *given, bound, MOST, tolerance)[0]
        return found, torch.stack((found, x))

    @torch.no_grad()
    def removed(self, x: Tensor) -> Tensor:
        """Return (I - H) x, up to :data:`LEAST`."""
        pair = self._pair(x.dtype)
        return x - self._descent(x, x, pair, 1.0, self.smoothness(), 4 * MOST, LEAST)

    def _descent(self, y, start, pair, strength, bound, steps, tolerance):
        """Return the last point of accelerated gradient descent, (batch, height, width)."""
        gradient = lambda x: x - y + strength * self._slope_of(x, pair)  # noqa: E731
        return accelerated(gradient, start, 1 / (1 + strength * bound), steps, tolerance)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient of R, as x."""
        return self._slope_of(x, self._pair(x.dtype))

    def value(self, x: Tensor) -> Tensor:
        """Return R(x), (batch,): sums of Huber functions."""
        t = conv2d(wrapped(x.unsqueeze(1), MARGIN), self._weight().to(x.dtype)).abs()
        a, b = (of.to(x.dtype).view(-1, 1, 1) for of in (softplus(self.slopes), self.bends.exp()))
        return (a * torch.where(t <= b, 0.5 * t.square(), b * (t - 0.5 * b))).sum((1, 2, 3))

    def _slope_of(self, x: Tensor, pair: tuple[Tensor, Tensor]) -> Tensor:
        clipped = hardtanh(conv2d(wrapped(x.unsqueeze(1), MARGIN), pair[0]))
        return folded(spread(clipped, pair[1]), MARGIN).squeeze(1)

    def _inner_slope(self, x: Tensor, pair: tuple[Tensor, Tensor]) -> Tensor:
        """Return the gradient of the part of R whose filters lie inside of a patch."""
        return spread(hardtanh(conv2d(x.unsqueeze(1), pair[0])), pair[1]).squeeze(1)

    def _pair(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return the filters over their bends, and times slope and bend: what is between is 1."""
        weight, bends = self._weight(), self.bends.exp().view(-1, 1, 1, 1)
        slopes = softplus(self.slopes).view(-1, 1, 1, 1)
        return (weight / bends).to(dtype), spreading(weight * slopes * bends).to(dtype)

    def _weight(self) -> Tensor:
        return self.filters - self.filters.mean((-2, -1), keepdim=True)

    def _steepened(self) -> Tensor:
        """Return the filters times the root of the slope of their psi' at zero."""
        return self._weight() * softplus(self.slopes).sqrt().view(-1, 1, 1, 1)

    def smoothness(self) -> float:
        """Return a Lipschitz constant L of the gradient of R, for pictures of every size."""
        return norm_bound(self._steepened()) ** 2

    def residual_bound(self, strength: float = 1.0) -> float:
        """Return L / (1 + L) of strength times R."""
        bound = strength * self.smoothness()
        return bound / (1 + bound)

    def layers(self) -> list[Tensor]:
        """Return the filters, each times the root of its largest slope: of norm sqrt(L)."""
        return [self._steepened().detach()]
