"""Regressions with a handful of unknowns, and quadratics: what an optimizer was first learned on by
reinforcement learning.

Gradients are in closed form, so that Hessians can be had from them. Source: Li & Malik
2016, by way of a re-implementation; what is left open there is marked "ours".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from l2o.optimizees.instances import Instances

Arrays = dict[str, np.ndarray]
RIDGE = 5e-4  # of logistic regression, on half the squared weights
EIGENVALUES = (1.0, 30.0)  # of quadratics
OF_CLASS, OF_GROUP, GROUPS = 50, 25, 4  # points of a class; of a group, and how many of these
NOISE = 0.1  # standard deviation of the targets of robust regression; ours


@dataclass(frozen=True)
class Quadratic(Instances):
    """f(x) = (x - c)^T A (x - c) / 2; ``A`` is (batch, n, n), symmetric, ``centre`` (batch, n)."""

    A: Tensor
    centre: Tensor

    def objective(self, x: Tensor) -> Tensor:
        return 0.5 * ((x - self.centre) * self.gradient(x)).sum(dim=-1)

    def gradient(self, x: Tensor) -> Tensor:
        return torch.einsum("bij,...bj->...bi", self.A, x - self.centre)


@dataclass(frozen=True)
class _Fitted(Instances):
    """A linear model of points, (batch, points, n), whose last column is 1; x ends with the bias.

    ``targets`` are (batch, points).
    """

    points: Tensor
    targets: Tensor

    def _predicted(self, x: Tensor) -> Tensor:
        """Return the values of the linear model, (..., batch, points)."""
        return torch.einsum("bpn,...bn->...bp", self.points, x)

    def _mean(self, slopes: Tensor) -> Tensor:
        """Return the mean over points of slopes, (..., batch, points), times points."""
        return torch.einsum("bpn,...bp->...bn", self.points, slopes) / self.points.shape[-2]


@dataclass(frozen=True)
class Logistic(_Fitted):
    """f(x) = mean log(1 + exp(-t (w^T p + b))) + 5e-4 ||w||^2 / 2, targets t of -1 and 1.

    The bias b is not penalised. f is strictly convex.
    """

    def objective(self, x: Tensor) -> Tensor:
        fit = -functional.logsigmoid(self.targets * self._predicted(x)).mean(dim=-1)
        return fit + 0.5 * RIDGE * x[..., :-1].square().sum(dim=-1)

    def gradient(self, x: Tensor) -> Tensor:
        slopes = -self.targets * torch.sigmoid(-self.targets * self._predicted(x))
        return self._mean(slopes) + RIDGE * functional.pad(x[..., :-1], (0, 1))


@dataclass(frozen=True)
class Robust(_Fitted):
    """f(x) = mean r^2 / (1 + r^2), r = t - w^T p - b: the loss of Geman & McClure; not convex."""

    def objective(self, x: Tensor) -> Tensor:
        square = (self.targets - self._predicted(x)).square()
        return (square / (1.0 + square)).mean(dim=-1)

    def gradient(self, x: Tensor) -> Tensor:
        r = self.targets - self._predicted(x)
        return self._mean(-2.0 * r / (1.0 + r.square()).square())


PROBLEMS: Mapping[str, type[Instances]] = MappingProxyType(
    {"quadratic": Quadratic, "logistic": Logistic, "robust": Robust}
)


def draw(random: np.random.Generator, problem: str, count: int, n: int) -> Arrays:
    """Return the arrays of ``count`` instances of one of :data:`PROBLEMS` with n unknowns."""
    drawing: dict[str, Callable[[np.random.Generator, int, int], Arrays]] = {
        "quadratic": _quadratics,
        "logistic": _classes,
        "robust": _groups,
    }
    return drawing[problem](random, count, n)


def _quadratics(random: np.random.Generator, count: int, n: int) -> Arrays:
    """Eigenvalues uniform in 1 to 30, axes at random; centres from N(0, I), ours."""
    q, r = np.linalg.qr(random.standard_normal((count, n, n)))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]  # uniform over rotations
    values = random.uniform(*EIGENVALUES, size=(count, 1, n))
    A = (q * values) @ q.transpose(0, 2, 1)
    return {"A": 0.5 * (A + A.transpose(0, 2, 1)), "centre": random.standard_normal((count, n))}


def _classes(random: np.random.Generator, count: int, n: int) -> Arrays:
    """Two Gaussians of d = n - 1 variates, a class each.

    Means from N(0, I), covariances G^T G with entries of G from N(0, 1 / d): ours.
    """
    d = n - 1
    means = random.standard_normal((count, 2, 1, d))
    spread = random.standard_normal((count, 2, d, d)) / np.sqrt(d)
    points = means + random.standard_normal((count, 2, OF_CLASS, d)) @ spread
    targets = np.repeat([-1.0, 1.0], OF_CLASS)
    return {"points": _with_one(points), "targets": np.tile(targets, (count, 1))}


def _groups(random: np.random.Generator, count: int, n: int) -> Arrays:
    """Four Gaussians with covariance I, each with a true vector and a bias of its own.

    Means, vectors and biases from N(0, I): ours.
    """
    d = n - 1
    points = random.standard_normal((count, GROUPS, 1, d))
    points = points + random.standard_normal((count, GROUPS, OF_GROUP, d))
    truth = random.standard_normal((count, GROUPS, d, 1))
    bias = random.standard_normal((count, GROUPS, 1))
    targets = (points @ truth)[..., 0] + bias
    targets = targets + NOISE * random.standard_normal(targets.shape)
    return {"points": _with_one(points), "targets": targets.reshape(count, -1)}


def _with_one(points: np.ndarray) -> np.ndarray:
    """Return all points of an instance with a 1 at their end, (count, points, n)."""
    whole = points.reshape(len(points), -1, points.shape[-1])
    return np.concatenate([whole, np.ones((*whole.shape[:2], 1))], axis=2)
