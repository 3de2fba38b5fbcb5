"""The meta-gradient by evolution strategies: whole runs under perturbed weights.

Backpropagation through an unrolled optimization takes the optimizee's gradient as given, and so
does not see that another step leads to other gradients. Where that is what counts, as for leaving
a local minimum, runs to the horizon under perturbed weights tell; their cost does not depend on the
loss being smooth, and it grows with the horizon alone.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils import parameters_to_vector

from l2o.config.meta_training import Evolution
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import iterates
from l2o.optimizers.recurrent.base import RecurrentOptimizer

Draw = Callable[[], tuple[Optimizee, Tensor]]
WORST = 1.0  # above the start's loss: what a run counts at most, however it diverged


@torch.no_grad()
def evolution_gradient(
    optimizer: RecurrentOptimizer, draw: Draw, budget: Evolution, generator: Generator
) -> float:
    """Set the gradient of the weights; return the mean loss of all runs.

    g = sum over pairs of (L(w + e) - L(w - e)) e / (2 pairs sigma^2), e from N(0, sigma^2), where
    L is the optimizee's meta-loss over the last iterates. All runs share optimizees and starts, and
    where those are stochastic, their minibatches.

    Source: Salimans et al. 2017 (antithetic evolution strategies); for learned optimizers Metz et
    al. 2019.

    Parameters
    ----------
    draw : returns the optimizees and their starts, (batch, n), the same in every call
    budget : pairs, horizon, last, sigma
    generator : draws the perturbations
    """
    weights = list(optimizer.parameters())
    middle = parameters_to_vector(weights)
    total, estimate = 0.0, torch.zeros_like(middle)
    optimizee, x = draw()
    worst = float(optimizee.meta_loss(x)) + WORST
    for _ in range(budget.pairs):
        drawn = torch.randn(len(middle), generator=generator).to(middle)
        moved, losses = budget.sigma * drawn, []
        for change in (moved, -moved):
            _set(weights, middle + change)
            optimizee, x = draw()
            loss = end_loss(optimizer, optimizee, x, budget.horizon, budget.last)
            losses.append(min(loss, worst) if loss == loss else worst)
        estimate += (losses[0] - losses[1]) * moved
        total += sum(losses)
    _set(weights, middle)
    estimate /= 2 * budget.pairs * budget.sigma**2
    for weight, part in zip(weights, _split(estimate, weights), strict=True):
        weight.grad = part.clone()
    return total / (2 * budget.pairs)


@torch.no_grad()
def end_loss(
    optimizer: RecurrentOptimizer, optimizee: Optimizee, x: Tensor, steps: int, last: int
) -> float:
    """Return the mean meta-loss over the ``last`` of some steps from x: minibatches scatter."""
    first = max(steps - last, 0)
    ends = islice(iterates(optimizer, optimizee, x), first, steps)
    return sum(float(optimizee.meta_loss(end)) for end in ends) / (steps - first)


def _set(weights: list[nn.Parameter], vector: Tensor) -> None:
    """Copy a vector into the weights: torch's own function makes them views of the vector."""
    for weight, part in zip(weights, _split(vector, weights), strict=True):
        weight.copy_(part)


def _split(vector: Tensor, weights: list[nn.Parameter]) -> list[Tensor]:
    parts = vector.split([weight.numel() for weight in weights])
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
