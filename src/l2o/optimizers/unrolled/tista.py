"""TISTA: a linear step by the pseudo-inverse, then the posterior mean under the signals' prior."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from l2o.optimizers.bernoulli_gaussian import known, posterior
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.unrolled.net import UnrolledNet


class Tista(UnrolledNet):
    """x+ = E[x | r] of r = x + g_k W (b - A x) = x* + N(0, tau2), W = A^+, with

    v2 = max((||b - A x||^2 - m s_k) / tr(A^T A), 0)
    tau2 = v2 / n (n + (g_k^2 - 2 g_k) m) + g_k^2 s_k tr(W W^T) / n

    under the Bernoulli-Gaussian prior that is given. s_k, the variance of the noise, is a learned
    share of ||b||^2 / m; learned is its logarithm. g_k starts at 1.
    """

    name = "tista"
    label = "TISTA"
    reference = "Ito, Takabe & Wadayama 2019, eqs. (4) to (8)"
    trainable = ("step", "log_noise")
    starts = {"tista": "tista"}
    free_of_matrix = True
    hyperparameters = {"density": 0.1, "variance": 1.0, "noise": 1e-4}
    ranges = {"density": "(0, 1)", "variance": "(0, inf)", "noise": "(0, 1)"}
    departs = "learns the variance of the noise, which its paper knows"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        inverse = torch.linalg.pinv(self.A.double(), rtol=1e-6).T.to(self.A).contiguous()
        self.register_buffer("inverse", inverse)
        self.step = self._per_layer(1.0)
        self.log_noise = self._per_layer(math.log(self.hyper["noise"]))

    def prepare(self, state: State, b: Tensor) -> State:
        x = state[0]
        residual = torch.addmm(b, x, self.A.T, alpha=-1)
        power, left = (part.square().sum(dim=1, keepdim=True) for part in (b, residual))
        return x, residual @ self.inverse, left, power

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, direction, left, power = prepared
        (m, n), step = self.A.shape, self.step[k]
        noise = self.log_noise[k].exp() * power / m
        error = ((left - m * noise) / self.A.square().sum()).clamp_min(0.0)
        tau2 = error / n * (n + (step * step - 2 * step) * m)
        tau2 = tau2 + step * step * noise * self.inverse.square().sum() / n
        prior = known(b, self.hyper["density"], self.hyper["variance"])
        return (posterior(torch.addcmul(x, direction, step), tau2, prior).mean,)
