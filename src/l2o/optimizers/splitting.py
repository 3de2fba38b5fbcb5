"""Fixed-point iterations of a data term and a denoiser: ADMM and forward-backward splitting.

ADMM is eq. (9) of the survey, x+ = H(y - u), y+ = prox(x+ + u), u+ = u + x+ - y+; with the point
w = y + u, of which y is the prox, it is w+ = w + H(2 y - w) - y, a fixed-point iteration.

Where H is not firmly nonexpansive by proof, a guard watches each picture's residual ||T(w) - w||:
once it is above :data:`GROWTH` times the least so far, the step to T(w) is halved from there on.
So residuals stay within that factor, or the steps become summable: no run leaves all bounds.

Source: *Learning to Optimize: A Primer and A Benchmark*, eq. (9); Ryu et al. 2019, algorithms 1
and 2; Krasnosel'skii 1955, Mann 1953 (averaged steps).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from l2o.optimizees.imaging import ImagingProblem
from l2o.optimizers.denoiser import Denoiser
from l2o.optimizers.protocol import Hyperparameters, Optimizer, State

GROWTH = 1.5  # of a residual over the least so far, from which on steps are halved


class Splitting(Optimizer):
    """A fixed-point iteration w+ = w + c (T(w) - w), c = 1 unless the guard lowers it.

    The state is (shown picture, w, least residual, c, residual, memory of the denoiser); residuals
    are root mean squares over the pixels of a picture, (batch,).

    Parameters
    ----------
    hyper : ``step`` of the data term, ``strength`` of the denoiser
    learned : the trained denoiser, if the method runs with one
    """

    denoiser: ClassVar[str] = ""
    hyperparameters: ClassVar[Hyperparameters] = {"step": 1.0, "strength": 1.0}
    ranges: ClassVar[Mapping[str, str]] = {"step": "(0, inf)", "strength": "(0, inf)"}

    def __init__(self, hyper: Hyperparameters, learned: Denoiser | None = None) -> None:
        super().__init__(hyper)
        self.learned = learned

    @property
    def guarded(self) -> bool:
        """Whether the guard watches: where no proof says that residuals fall."""
        return self.learned is not None and not self.learned.firm

    def prior(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return H(x), (batch, height, width), and what the next call may begin from.

        With a ``scale`` s it is s H(x / s): a denoiser for smaller or larger noise than it was
        trained on, nonexpansive where H is.
        """
        scale = self.hyper.get("scale", 1.0)
        found, memory = self.learned.denoise(x / scale, self.hyper["strength"], memory)
        return scale * found, memory

    def mapped(self, f: ImagingProblem, state: State) -> tuple[Tensor, Tensor]:
        """Return T(w) and the memory after it."""
        raise NotImplementedError

    def shown(self, f: ImagingProblem, w: Tensor) -> Tensor:
        """Return the picture that belongs to w."""
        return w

    def init(self, optimizee: ImagingProblem, x: Tensor) -> State:
        """Return the state at the start x, (batch, height, width)."""
        one = torch.ones_like(x[:, 0, 0])
        return x, x, one * torch.inf, one, one * torch.inf, x.new_empty(0)

    def step(self, optimizee: ImagingProblem, state: State) -> State:
        """Return the state after one step."""
        _, w, least, share, _, _ = state
        there, memory = self.mapped(optimizee, state)
        residual = (there - w).square().mean((1, 2)).sqrt()
        if self.guarded:
            share = torch.where(residual > GROWTH * least, 0.5 * share, share)
        w = w + share[:, None, None] * (there - w)
        least = torch.minimum(least, residual)
        return self.shown(optimizee, w), w, least, share, residual, memory


class Admm(Splitting):
    """ADMM: the shown picture is y, the prox of the data term at w."""

    def mapped(self, f: ImagingProblem, state: State) -> tuple[Tensor, Tensor]:
        """Return w + H(2 y - w) - y; of the start, too, y is the prox."""
        w, memory = state[1], state[-1]
        y = f.prox(w, self.hyper["step"])
        denoised, memory = self.prior(2 * y - w, memory)
        return w + denoised - y, memory

    def shown(self, f: ImagingProblem, w: Tensor) -> Tensor:
        """Return the prox of the data term at w."""
        return f.prox(w, self.hyper["step"])


class ForwardBackward(Splitting):
    """Forward-backward splitting: T(x) = H(x - step / L gradient of f(x)).

    ``step`` is in units of 1 / L, L the Lipschitz constant of the gradient.
    """

    ranges: ClassVar[Mapping[str, str]] = {"step": "(0, 2)", "strength": "(0, inf)"}

    def mapped(self, f: ImagingProblem, state: State) -> tuple[Tensor, Tensor]:
        """Return H(x - step / L gradient of f(x))."""
        w, memory = state[1], state[-1]
        step = self.hyper["step"] / f.lipschitz
        return self.prior(w - step * f.gradient(w), memory)
