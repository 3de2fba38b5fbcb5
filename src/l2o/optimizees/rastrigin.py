"""The Rastrigin family: f(x) = 0.5 ||A x - b||^2 - alpha c^T cos(2 pi x) + alpha n (eq. 21).

The function of Rastrigin in the paper's scaling (eq. 20) is A = I, b = 0, c = 1: its minimum is 0,
at x = 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from l2o.optimizees.instances import Instances
from l2o.seeds import named_generator
from l2o.storage.rastrigin_sets import read_rastrigin_split

ALPHA = 10.0  # paper, 4.2
ROWS = 1024  # instances of one random stream
PERIOD = 2 * math.pi
LOSS_FLOOR = 1e-5  # of alpha n; keeps the logarithm of an excess of zero finite


@dataclass(frozen=True)
class Rastrigin(Instances):
    """A batch of instances, each with data of its own, or instances to draw batches from.

    Parameters
    ----------
    A : (batch, n, n)
    b : (batch, n)
    c : weights of the cosines, (batch, n), of any sign
    alpha : amplitude of the cosines
    """

    A: Tensor
    b: Tensor
    c: Tensor
    alpha: float = ALPHA

    def _residual(self, x: Tensor) -> Tensor:
        # Not a broadcast product: that copies A for every point.
        return torch.einsum("bij,...bj->...bi", self.A, x) - self.b

    def objective(self, x: Tensor) -> Tensor:
        """Return f, (..., batch), at x, (..., batch, n)."""
        waves = (self.c * (PERIOD * x).cos()).sum(dim=-1)
        quadratic = 0.5 * self._residual(x).square().sum(dim=-1)
        return quadratic - self.alpha * waves + self.alpha * x.shape[-1]

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, (..., batch, n), at x, (..., batch, n)."""
        quadratic = torch.einsum("bij,...bi->...bj", self.A, self._residual(x))
        return quadratic + PERIOD * self.alpha * self.c * (PERIOD * x).sin()

    def lower_bound(self) -> Tensor:
        """Return alpha (n - ||c||_1), (batch,): no f is below it, since no cosine exceeds 1."""
        return self.alpha * (self.c.shape[-1] - self.c.abs().sum(dim=-1))

    def meta_loss(self, x: Tensor) -> Tensor:
        """Return log(mean(f - lower bound) / (alpha n)), (): what meta-training minimises.

        Our choice. f itself may be negative, so that its logarithm does not exist; its excess over
        the lower bound is never. The mean is taken inside: the figure averages f over instances,
        and so a loss monotone in that average weighs them as the figure does. The logarithm is
        outside, lest the first steps, where the excess is ten times that of a local minimum, drown
        the rest.
        """
        excess = (self.objective(x) - self.lower_bound()).mean().clamp_min(0.0)
        return (excess / (self.alpha * x.shape[-1]) + LOSS_FLOOR).log()


def sample_slices(
    n: int, count: int, seed: int, names: tuple[str, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield ``count`` instances as slices A (rows, n, n), b and c (rows, n), float64.

    All entries are i.i.d. N(0, 1) (paper, 4.2). Every slice has a random stream of its own,
    ``(*names, its number)``, so that instance i is the same in a set of any size.
    """
    for number, at in enumerate(range(0, count, ROWS)):
        generator = named_generator(seed, *names, number)
        drawn = generator.standard_normal((ROWS, n + 2, n))
        rows = drawn[: min(ROWS, count - at)]
        yield rows[:, :n], rows[:, n], rows[:, n + 1]


def load_rastrigin(path: Path, split: str, alpha: float) -> Rastrigin:
    """Return the instances of a split of a stored set, in float64.

    Raises
    ------
    InputError : see :func:`l2o.storage.rastrigin_sets.read_rastrigin_split`.
    """
    arrays = read_rastrigin_split(path, split)
    return Rastrigin(*(torch.from_numpy(array) for array in arrays), alpha)
