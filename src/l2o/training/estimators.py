"""Estimators of the meta-gradient, from losses and derivatives of an episode's truncations.

An episode of H inner steps is cut into truncations; L_k is the mean loss of the k-th. What is to be
estimated is the gradient by the weights w of the optimizer, or of their Gaussian smoothing
E L(w + n), n from N(0, sigma^2 I). Perturbations come in antithetic pairs, n and -n, which see the
same optimizees, starts and minibatches.

==================  ====================================================  ========================
estimator           of a truncation                                       biased by
==================  ====================================================  ========================
backpropagation     dL_k(w)                                               truncation, no smoothing
reparameterisation  mean of dL_k(w + n)                                   truncation
evolution           mean of (L_k(w + n) - L_k(w - n)) n / (2 sigma^2)     truncation
merged              the last two, weighted by their inverse variances     truncation
persistent          as evolution, with the sum of a copy's perturbations  nothing
==================  ====================================================  ========================

All but the last begin every truncation at the state of the optimizer's own run, taken as given: how
the weights led there is not seen. Persistent copies go on from where they are, each with a new
perturbation in every truncation, and what a loss is multiplied by is the sum of all that led there.
So theirs is the gradient of another smoothing, with a perturbation of its own in each truncation;
for losses that are quadratic within some sigma both have the same gradient.

Derivatives are those of backpropagation here, which takes the optimizee's gradients as given
(:mod:`l2o.training.meta`): one more bias of all that use them, and of no truncation. Values have
none of it.

Sources: *Learning to Optimize: A Primer and A Benchmark*, eqs. (3) to (5), after Metz et al. 2019
(variances of each weight by itself, over the samples that are merged); Salimans et al. 2017
(antithetic evolution strategies); Vicol, Metz & Sohl-Dickstein 2021 (persistent ones). The own run,
at the unperturbed weights, is ours: a truncated estimator needs a state to go on from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from l2o.training.episodes import Episode


@dataclass(frozen=True)
class Sample:
    """Perturbed runs of a truncation; "..." are estimates that are made beside each other.

    Parameters
    ----------
    losses : (..., 2, pairs); of a perturbation, then of its opposite
    steps : that the losses are multiplied by: the perturbations, (..., 2, pairs, P), or the sum of
        all of the episode so far
    slopes : derivatives of the losses by the weights, as ``steps``; None where none were asked for
    sigma : standard deviation of the perturbations
    """

    losses: Tensor
    steps: Tensor
    slopes: Tensor | None
    sigma: float

    def pathwise(self) -> Tensor:
        """Return what each pair says by its derivatives, (..., pairs, P)."""
        return self.slopes.mean(dim=-3)

    def scored(self) -> Tensor:
        """Return what each pair says by its losses, (..., pairs, P)."""
        return self.differences()[..., None] * self.steps[..., 0, :, :] / (2 * self.sigma**2)

    def differences(self) -> Tensor:
        """Return the loss of each perturbation less that of its opposite, (..., pairs)."""
        return (self.losses[..., 0, :] - self.losses[..., 1, :]).to(self.steps.dtype)


class Estimator:
    """An estimator, with what it remembers of an episode.

    Parameters
    ----------
    sigma : standard deviation of the perturbations
    pairs : of a truncation
    estimates : shape of the estimates that are made beside each other, as the episode has them
    """

    name: ClassVar[str]
    slopes: ClassVar[bool] = False  # whether it asks for derivatives
    persistent: ClassVar[bool] = False  # whether copies go on from where they are

    def __init__(self, sigma: float, pairs: int, estimates: Sequence[int] = ()) -> None:
        self.sigma, self.pairs, self.estimates = sigma, pairs, tuple(estimates)
        self._sum: Tensor | float = 0.0

    def estimate(self, episode: Episode, generator: Generator) -> tuple[Tensor, Tensor]:
        """Take the next truncation; return the gradient, (..., P), and the mean loss, (...).

        A loss that is not finite makes a gradient that is not.

        Parameters
        ----------
        episode : of which this estimator has taken all truncations so far
        generator : draws the perturbations
        """
        sample = self.sampled(episode, generator)
        loss = sample.losses.mean(dim=(-2, -1)) if self.persistent else episode.past()
        return self.combined(sample), loss

    def sampled(self, episode: Episode, generator: Generator) -> Sample:
        """Return the perturbed runs of the next truncation; the own run stays where it is."""
        moves = perturbations(episode.weights, self.sigma, self.pairs, self.estimates, generator)
        losses, slopes = episode.perturbed(moves, self.slopes, self.persistent)
        steps = moves
        if self.persistent:
            self._sum = steps = self._sum + moves
        return Sample(losses, steps, slopes, self.sigma)

    @staticmethod
    def combined(sample: Sample) -> Tensor:
        """Return the gradient, (..., P), of perturbed runs."""
        raise NotImplementedError


class Backpropagation(Estimator):
    """The derivative at the weights themselves; nothing is perturbed."""

    name, slopes = "backpropagation", True

    def estimate(self, episode: Episode, generator: Generator) -> tuple[Tensor, Tensor]:
        loss, slope = episode.through()
        return slope, loss


class Reparameterisation(Estimator):
    """The mean of derivatives at perturbed weights: eq. (3)."""

    name, slopes = "reparameterisation", True

    @staticmethod
    def combined(sample: Sample) -> Tensor:
        return sample.pathwise().mean(dim=-2)


class Evolution(Estimator):
    """Evolution strategies: eq. (4), antithetic."""

    name = "evolution"

    @staticmethod
    def combined(sample: Sample) -> Tensor:
        differences, steps = sample.differences(), sample.steps[..., 0, :, :]
        total = torch.zeros_like(steps[..., 0, :])
        for pair in range(steps.shape[-2]):  # in this order, as ever: sums have last bits
            total += differences[..., pair, None] * steps[..., pair, :]
        return total / (2 * steps.shape[-2] * sample.sigma**2)


class Merged(Estimator):
    """The last two from the same runs, each weight's by the inverse of its variances: eq. (5)."""

    name, slopes = "merged", True

    @staticmethod
    def combined(sample: Sample) -> Tensor:
        path, score = sample.pathwise(), sample.scored()
        share = merged_share(path.var(dim=-2), score.var(dim=-2))
        return share * path.mean(dim=-2) + (1.0 - share) * score.mean(dim=-2)


class Persistent(Evolution):
    """Persistent evolution strategies: as evolution, with sums of perturbations."""

    name, persistent = "persistent", True


KINDS = {
    kind.name: kind for kind in (Backpropagation, Reparameterisation, Evolution, Merged, Persistent)
}


def merged_share(path: Tensor, score: Tensor) -> Tensor:
    """Return the weight of the first of two estimators from their variances, >= 0: eq. (5).

    v^-1 / (v^-1 + w^-1) = w / (v + w); one half where neither varies.
    """
    total = path + score
    return torch.where(total > 0, score / total, 0.5)


def perturbations(
    weights: Tensor, sigma: float, pairs: int, estimates: Sequence[int], generator: Generator
) -> Tensor:
    """Draw perturbations and their opposites, (..., 2, pairs, P), with P from ``weights``, (P,).

    They are drawn one after the other, so that the first ones do not depend on how many there are.
    """
    shape = (*estimates, pairs, len(weights))
    rows = shape[:-1]
    drawn = [
        torch.randn(len(weights), generator=generator) for _ in range(torch.Size(rows).numel())
    ]
    moved = sigma * torch.stack(drawn).to(weights).view(shape)
    return torch.stack([moved, -moved], dim=-3)
