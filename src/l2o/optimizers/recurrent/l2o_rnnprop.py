"""RNNprop: an LSTM that sees what Adam and RMSProp would do."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from l2o.config.meta_training import AnalyticStart
from l2o.optimizers.moments import corrected, no_moments
from l2o.optimizers.protocol import State
from l2o.optimizers.recurrent.coordinatewise import CoordinatewiseOptimizer


class L2oRnnProp(CoordinatewiseOptimizer):
    """x+ = x + scale tanh(LSTM(ELU(P u))) with u = (m^ / sqrt(v^), g / sqrt(v^)).

    m and v are Adam's moments, their hats correct the bias; P is linear to ``hidden`` rows. The
    memory is (m, v, t).
    """

    name = "l2o_rnnprop"
    label = "L2O-RNNprop"
    reference = "Lv, Jiang & Li 2017, eqs. (1) to (4)"
    hyperparameters = {"hidden": 20, "scale": 0.1, "beta1": 0.95, "beta2": 0.95, "epsilon": 1e-8}
    ranges = {
        "hidden": "integers [1, 1000]",
        "scale": "(0, inf)",
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "epsilon": "(0, 1]",
    }
    paper = {"scale": 0.1, "scaling": True, "convex": True}
    features = 20
    remembers = {"m": "coordinate", "v": "coordinate", "t": "count"}

    def __init__(self, hyper: dict[str, float], generator: Generator) -> None:
        super().__init__(hyper, generator)
        self.projection = nn.Parameter(torch.empty(self.features, 2))
        self.projection_bias = nn.Parameter(torch.zeros(self.features, 1))
        with torch.no_grad():
            self.projection.uniform_(-(2**-0.5), 2**-0.5, generator=generator)

    @torch.no_grad()
    def begin(self, start: AnalyticStart) -> None:
        """Start as Adam whose steps are squashed, and fall with time.

        Two rows of P are +-m^ / (2 sqrt(v^)), whose ELUs' difference is nearly linear.
        """
        self.projection[:2] = self.projection.new_tensor([[0.5, 0.0], [-0.5, 0.0]])
        self.projection_bias[:2] = 0.0
        self.lstm.begin({-1: 5.0}, {0: 0.5, 1: -0.5}, -5.0, start)

    def remember(self, x: Tensor) -> State:
        return no_moments(x)

    def inputs(self, gradient: Tensor, memory: State) -> tuple[Tensor, State]:
        mean, size, memory = corrected(gradient, memory, self.hyper["beta1"], self.hyper["beta2"])
        size = size + self.hyper["epsilon"]
        seen = torch.stack([mean / size, gradient / size]).view(2, -1)
        rows = torch.addmm(self.projection_bias, self.projection, seen)
        return nn.functional.elu(rows), memory

    def update(self, output: Tensor) -> Tensor:
        return self.hyper["scale"] * output.tanh()
