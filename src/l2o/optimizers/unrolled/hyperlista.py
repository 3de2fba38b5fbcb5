"""HyperLISTA: three numbers for all layers, which adapt thresholds and momentum to the iterate."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold_with_counts
from l2o.optimizers.unrolled.net import UnrolledNet


class HyperLista(UnrolledNet):
    """x+ = eta^ss_{t, p}(x + g W^T (b - A x) + beta (x - x_prev)), W as in ALISTA, with

    t = c1 g ||A^+ (A x - b)||_1,  beta = c2 ||x||_0,
    p = min(c3 log(||A^+ b||_1 / ||A^+ (A x - b)||_1), 1), the share of entries that may be selected

    of each sample by itself. g is 1 but where A is coherent: there the largest eigenvalue of W^T A
    is far above n/m, the mean of those that are not 0, and g 1.25 n/m by it. Learned are the
    logarithms of c1, c2 and c3, one each for all layers, by a search that never sees a signal
    (:mod:`l2o.training.search`). The state is (x, x_prev, ||A^+ b||_1).
    """

    name = "hyperlista"
    label = "HyperLISTA"
    reference = "Chen, Liu, Wang & Yin 2021, eqs. (10), (16) and (17)"
    trainable = ("log_threshold", "log_momentum", "log_support")
    starts = {"analytic": "adaptive_ista"}
    hyperparameters = {"threshold": 0.012, "momentum": 0.005, "support": 0.08}
    ranges = {"threshold": "(0, inf)", "momentum": "(0, inf)", "support": "(0, inf)"}
    departs = (
        "found without signals, by rows of A held out; ALISTA's W; smaller steps if A is coherent"
    )
    searched = True
    free_of_matrix = True

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.register_buffer("W", self._analytic_weights())
        inverse = torch.linalg.pinv(self.A.double(), rtol=1e-6).T.to(self.A).contiguous()
        self.register_buffer("inverse", inverse)
        mean = self.A.shape[1] / self.A.shape[0]
        largest = torch.linalg.eigvals(self.A.double() @ self.W.double().T).real.max()
        self.register_buffer("step", (1.25 * mean / largest).clamp_max(1.0).to(self.A))
        for name in self.trainable:
            value = math.log(self.hyper[name.removeprefix("log_")])
            setattr(self, name, nn.Parameter(self.A.new_tensor(value)))

    def start(self, b: Tensor) -> State:
        (x,) = super().start(b)
        return x, torch.zeros_like(x), self._error(b)

    def _error(self, residual: Tensor) -> Tensor:
        """Return ||A^+ r||_1, (batch, 1), in place of the unknown ||x - x*||_1."""
        found = (residual @ self.inverse).abs().sum(dim=1, keepdim=True)
        return found.clamp_min(torch.finfo(found.dtype).tiny)

    def prepare(self, state: State, b: Tensor) -> State:
        x, previous, whole = state
        residual = torch.addmm(b, x, self.A.T, alpha=-1)
        nonzero = torch.ne(x, 0, out=torch.empty_like(x)).sum(dim=1, keepdim=True)
        return x, residual @ self.W * self.step, x - previous, self._error(residual), nonzero, whole

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, direction, change, left, nonzero, whole = prepared
        v = x + direction + self.log_momentum.exp() * nonzero * change
        share = (self.log_support.exp() * torch.log(whole / left)).nan_to_num().clamp(0.0, 1.0)
        counts = (share * x.shape[1]).floor().long()
        threshold = self.log_threshold.exp() * self.step * left
        return soft_threshold_with_counts(v, threshold, counts), x, whole
