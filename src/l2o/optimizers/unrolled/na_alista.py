"""NA-ALISTA: steps and thresholds of each sample from an LSTM that reads norms of residuals."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.thresholding import soft_threshold_with_support
from l2o.optimizers.unrolled.net import UnrolledNet
from l2o.seeds import named_seed

CALIBRATED_ON = 1024  # samples
HALVINGS = 8  # of the step that it starts with, at most


class NaAlista(UnrolledNet):
    """x+ = eta^ss_{t a, p_k}(x + g d), d = W^T (b - A x), W as in ALISTA, a the mean of |d|; g and
    t of each sample are from

    h, c = LSTM(z, h, c),  (g, t) = softplus(V relu(U c + u) + v)

    z are the logarithms of ||b - A x||_1 and ||d||_1, less their mean and by their
    deviation over the iterates of the start; both are buffers, and so saved with the net. All
    layers share what is learned, also the first h and c. V starts at 0, and v where g = 1 and t
    is ``threshold``, or, on a coherent A, where both are half, a quarter... of that: as much as
    leaves the residual of training measurements smaller than it was at x = 0. The state is
    (x, h, c), h and c (batch, hidden).
    """

    name = "na_alista"
    label = "NA-ALISTA"
    reference = "Behrens, Sauder & Jung 2021, Algorithm 1"
    trainable = (
        *("hidden_start", "cell_start", "gate_weight", "gate_bias"),
        *("between_weight", "between_bias", "head_weight", "head_bias"),
    )
    starts = {"analytic": "analytic_relative_ss"}
    free_of_matrix = True
    calibrated = ("mean", "deviation")
    hyperparameters = {"threshold": 2.0, "support_step": 1.2, "support_max": 13.0, "hidden": 128}
    ranges = {
        "threshold": "(0, inf)",
        "support_step": "[0, 100]",
        "support_max": "[0, 100]",
        "hidden": "integers [1, 1024]",
    }
    departs = "reads logarithms of the norms; its thresholds are by the mean of |d|, not absolute"

    def __init__(
        self, dictionary: Tensor, depth: int, hyper: Hyperparameters, start: str = ""
    ) -> None:
        super().__init__(dictionary, depth, hyper, start)
        self.register_buffer("W", self._analytic_weights())
        self.register_buffer("mean", self.A.new_zeros(2))
        self.register_buffer("deviation", self.A.new_ones(2))
        size = self.size = int(self.hyper["hidden"])
        generator = torch.Generator().manual_seed(named_seed(0, self.name))
        shapes = {"hidden_start": (size,), "cell_start": (size,)}
        shapes |= {"gate_weight": (4 * size, 2 + size), "gate_bias": (4 * size,)}
        shapes |= {"between_weight": (size, size), "between_bias": (size,)}
        for name, shape in shapes.items():  # as torch's LSTM and linear layers start
            drawn = torch.rand(shape, generator=generator, device="cpu") * 2 - 1
            setattr(self, name, nn.Parameter((drawn / math.sqrt(size)).to(self.A)))
        self.head_weight = nn.Parameter(self.A.new_zeros(2, size))
        self.head_bias = nn.Parameter(self._head_bias(1.0))

    def _head_bias(self, step: float) -> Tensor:
        """Return v, (2,), for a step and a threshold in proportion."""
        wanted = (step, step * self.hyper["threshold"])
        return self.A.new_tensor([value + math.log(-math.expm1(-value)) for value in wanted])

    def start(self, b: Tensor) -> State:
        memory = b.new_zeros(len(b), self.size)
        return *super().start(b), memory, memory

    def prepare(self, state: State, b: Tensor) -> State:
        x, hidden, cell = state
        residual = torch.addmm(b, x, self.A.T, alpha=-1)
        direction = residual @ self.W
        norms = torch.stack([part.abs().sum(dim=1) for part in (residual, direction)], dim=1)
        logs = norms.clamp_min(torch.finfo(x.dtype).tiny).log()
        return x, hidden, cell, direction, (logs - self.mean) / self.deviation

    def apply_layer(self, k: int, prepared: State, b: Tensor) -> State:
        x, hidden, cell, direction, read = prepared
        if k == 0:
            hidden, cell = self.hidden_start.expand_as(hidden), self.cell_start.expand_as(cell)
        gates = torch.cat([read, hidden], dim=1) @ self.gate_weight.T + self.gate_bias
        let_in, kept, new, out = gates.chunk(4, dim=1)
        cell = kept.sigmoid() * cell + let_in.sigmoid() * new.tanh()
        hidden = out.sigmoid() * cell.tanh()
        between = torch.relu(cell @ self.between_weight.T + self.between_bias)
        told = nn.functional.softplus(between @ self.head_weight.T + self.head_bias)
        step, threshold = told[:, :1], told[:, 1:] * direction.abs().mean(dim=1, keepdim=True)
        v = torch.addcmul(x, direction, step)
        shrunk = soft_threshold_with_support(v, threshold, self._support_percent(k))
        return shrunk, hidden, cell

    @torch.no_grad()
    def calibrate(self, b: Tensor) -> None:
        b, read = b[:CALIBRATED_ON], []
        for halvings in range(HALVINGS):  # on a coherent A the iterates of the full step diverge
            self.head_bias.copy_(self._head_bias(0.5**halvings))
            if (b - self(b)[-1] @ self.A.T).norm() < b.norm():
                break
        state = self.start(b)
        for k in range(self.depth):
            prepared = self.prepare(state, b)
            read.append(prepared[-1] * self.deviation + self.mean)
            state = self.apply_layer(k, prepared, b)
        found = torch.cat(read)
        self.mean.copy_(found.mean(dim=0))
        self.deviation.copy_(found.std(dim=0).clamp_min(1e-3))
