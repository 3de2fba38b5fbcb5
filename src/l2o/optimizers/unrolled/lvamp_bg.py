"""Learned VAMP with the Bernoulli-Gaussian denoiser."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from l2o.optimizers.bernoulli_gaussian import Prior, posterior
from l2o.optimizers.linear_estimate import (
    Decomposition,
    decomposed,
    extrinsic,
    least_noise,
    message,
)
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.unrolled.net import UnrolledNet

CUTOFF = 1e-6  # of singular values: beyond it their weights would be rounding, much enlarged


class LvampBg(UnrolledNet):
    """VAMP whose way back from the measurements is learned in each layer, and its denoiser.

    r1 = r2 + W_k^T U w, where w, (k,), weights what the linear estimate adds, in the basis U of A's
    range (:func:`l2o.optimizers.linear_estimate.message`); x+ = eta_k(r1), the posterior mean given
    r1 = x + N(0, c_k tau1) under the density p_k and the variance s_k; then r2+ from what eta_k
    adds. ``weight[k]`` is W_k, (m, n); c_k, s_k and the odds of p_k are learned as logarithms.

    Starts as VAMP (W_k = A). The state is (x, r2, tau, noise), the last two (batch, 1), which are
    constants in gradients. U and the singular values are those of A in the precision of the run.
    """

    name = "lvamp_bg"
    label = "LVAMP-BG"
    reference = "Borgerding, Schniter & Rangan 2017, section VI; start: Rangan et al. 2019"
    trainable = ("weight", "log_noise", "log_odds", "log_variance")
    starts = {"vamp": "vamp"}
    hyperparameters = {"density": 0.1, "variance": 1.0}
    ranges = {"density": "(0, 1)", "variance": "(0, inf)"}
    departs = "learns one matrix of the linear stage; estimates the noise of each sample"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        density = self.hyper["density"]
        self.weight = self._per_layer(self.A)
        self.log_noise = self._per_layer(0.0)
        self.log_odds = self._per_layer(math.log(density / (1 - density)))
        self.log_variance = self._per_layer(math.log(self.hyper["variance"]))
        self._decomposed: tuple[Tensor, Decomposition] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_decomposed": None}  # copies compute it again

    def _parts(self) -> Decomposition:
        if self._decomposed is None or self._decomposed[0] is not self.A:
            self._decomposed = self.A, decomposed(self.A, CUTOFF)
        return self._decomposed[1]

    def start(self, b: Tensor) -> State:
        (x,) = super().start(b)
        power = self.hyper["density"] * self.hyper["variance"]
        return x, x, b.new_full((len(b), 1), power), least_noise(b)

    def prepare(self, state: State, b: Tensor) -> State:
        x, r2, tau, noise = state
        parts = self._parts()
        weights, tau1, noise = message(parts, b, r2, tau, noise)
        return x, r2, weights @ parts.U.T, tau1, noise

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        _, r2, back, tau1, noise = prepared
        r1 = torch.addmm(r2, back, self.weight[k])
        tau1 = tau1 * self.log_noise[k].exp()
        prior = Prior(self.log_odds[k].sigmoid(), self.log_variance[k].exp())
        found = posterior(r1, tau1, prior)
        r2, tau = extrinsic(found.mean, found.slope, r1, tau1)
        return found.mean, r2, tau.detach(), noise
