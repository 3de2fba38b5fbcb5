"""Learned AMP with the posterior mean of a learned prior: what such nets share."""

from __future__ import annotations

import torch
from torch import Tensor

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.unrolled.net import UnrolledNet


class DenoisedLamp(UnrolledNet):
    """v = b - A x + o_k (n/m) mean(eta') v_prev; x+ = eta_k(x + W_k^T v).

    eta_k(r) = E[x | r = x + N(0, c_k ||v||^2 / m)] under the prior of layer k, eta' its slope, of
    the layer before. Learned are W_k, o_k, the logarithm of c_k, and the prior.

    It starts as Bayes-optimal AMP (W_k = A, o_k = 1), or with ALISTA's W_k and o_k = 0, which bears
    a coherent dictionary; c_k = 1. The state is (x, v, mean(eta')), the last (batch, 1).

    A subclass declares the prior and defines ``denoise``.
    """

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.weight = self._weights()
        self.onsager = self._per_layer(float(self.begun == "amp"))
        self.log_noise = self._per_layer(0.0)

    def _weights(self) -> torch.nn.ParameterList | torch.nn.Parameter:
        return self._per_layer(self._start_weights())

    def weight_of(self, k: int) -> Tensor:
        """Return W_k, (m, n)."""
        return self.weight[k]

    def denoise(self, k: int, r: Tensor, tau2: Tensor) -> tuple[Tensor, Tensor]:
        """Return E[x | r], (batch, n), and the mean of its slope, (batch, 1), at layer ``k``.

        r = x + N(0, tau2), (batch, n); ``tau2`` is (batch, 1).
        """
        raise NotImplementedError

    def start(self, b: Tensor) -> State:
        return *super().start(b), torch.zeros_like(b), b.new_zeros(len(b), 1)

    def prepare(self, state: State, b: Tensor) -> State:
        x, previous, slope = state
        m, n = self.A.shape
        return x, torch.addmm(b, x, self.A.T, alpha=-1), (n / m) * slope * previous

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, residual, correction = prepared
        v = torch.addcmul(residual, correction, self.onsager[k])
        tau2 = v.square().mean(dim=1, keepdim=True) * self.log_noise[k].exp()
        mean, slope = self.denoise(k, torch.addmm(x, v, self.weight_of(k)), tau2)
        return mean, v, slope
