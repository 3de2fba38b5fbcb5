"""Bayesian optimization: a Gaussian process is fitted to all values, improvement is expected."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

from l2o.optimizers.black_box_search import Sequential
from l2o.optimizers.protocol import State

JITTER = 1e-6  # of the variance: keeps the covariance matrix regular


class GpEi(Sequential):
    """The query is where the expected improvement over the lowest value is highest.

    After ``startup`` random queries the model is a Gaussian process with a Matern kernel 5/2 and a
    lengthscale for each unknown. Its hyperparameters maximise the likelihood, with every query up
    to ``often``, then with every fifth. Expected improvement is looked for at ``candidates`` random
    points, and then in ever smaller surroundings of the best of them and of the lowest query.
    The state ends with the hyperparameters, (batch, d + 1), logarithms.
    """

    name = "gp_ei"
    label = "GP-EI"
    reference = "Jones, Schonlau & Welch 1998; Snoek, Larochelle & Adams 2012"
    hyperparameters = {"startup": 4, "often": 20, "candidates": 500, "seed": 0}
    ranges = {
        "startup": "integers [2, 1e6]",
        "often": "integers [2, 1e6]",
        "candidates": "integers [1, 1e6]",
        "seed": "integers [0, 1e15]",
    }
    departs = "a point estimate of the hyperparameters, not refitted with every query"

    def init(self, optimizee: Any, x: Tensor) -> State:
        begun = np.log([1.0, *[0.3] * x.shape[1]])
        return *super().init(optimizee, x), torch.from_numpy(begun).repeat(len(x), 1)

    def chosen(self, queries: Tensor, values: Tensor, *memory: Tensor) -> State:
        (theta,), count = memory, queries.shape[1]
        if count < self.hyper["startup"]:
            return self.uniform("startup", queries, 1)[:, 0], theta
        anew = count <= self.hyper["often"] or count % 5 == 0
        candidates = self.uniform("candidates", queries, int(self.hyper["candidates"])).double()
        # As many draws for each of three surroundings, of two points.
        around = 2 * self.uniform("around", queries, 3 * 2 * 50).double() - 1
        found = [
            _query(*(part.double().numpy() for part in one), anew)
            for one in zip(queries, values, theta, candidates, around, strict=True)
        ]
        x, theta = (torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))
        return x.to(queries), theta


def _query(
    queries: np.ndarray,
    values: np.ndarray,
    theta: np.ndarray,
    candidates: np.ndarray,
    around: np.ndarray,
    anew: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next query of one run, (d,), and the model's hyperparameters."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    bounds = {"constant_value_bounds": (0.05, 20.0)}, {"length_scale_bounds": (0.05, 5.0)}
    widths = np.exp(theta[1:])
    kernel = ConstantKernel(np.exp(theta[0]), **bounds[0]) * Matern(widths, nu=2.5, **bounds[1])
    model = GaussianProcessRegressor(
        kernel, alpha=JITTER, normalize_y=True, optimizer="fmin_l_bfgs_b" if anew else None
    )
    with warnings.catch_warnings():  # hyperparameters may well end at a bound
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(queries, values)
    lowest, best = values.min(), queries[values.argmin()]
    at = candidates
    for radius, draws in zip((0.1, 0.02, 0.004), np.split(around, 3), strict=True):
        tried = at[_improvement(model, at, lowest).argmax()]
        near, nearer = np.split(radius * draws, 2)
        at = np.clip(np.concatenate([[tried], tried + near, best + nearer]), 0.0, 1.0)
    return at[_improvement(model, at, lowest).argmax()], model.kernel_.theta


def _improvement(model: Any, at: np.ndarray, lowest: float) -> np.ndarray:
    """Return the expected improvement at points, (n,)."""
    mean, deviation = model.predict(at, return_std=True)
    deviation = np.maximum(deviation, 1e-12)
    z = (lowest - mean) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return deviation * (z * ndtr(z) + density)
