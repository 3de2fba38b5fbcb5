"""L2O-PGD: PGD with an LSTM that corrects every coordinate of its steps."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from l2o.config.meta_training import AnalyticStart
from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.recurrent.lstm import CoordinateLstm

FEATURES = 5
SMALLEST = 1e-30  # mean size of a gradient that counts as none


class L2oPgd(RecurrentOptimizer):
    """x+ = x - rate c(s) (sign g + LSTM(u)), s = min(1, t / steps), the part of a run that is done.

    u = (log(|g| / mean |g|) / p, cut to [-1, 1]; sign g; m / (|m| + mean |m|); s; x / max |x|),
    with means and the maximum over an instance's coordinates and m+ = decay m + g / mean |g|.
    c(s) = exp(a + b s + d s^2) with learned a, b, d. With LSTM = 0 it is PGD, whose steps fall as
    c. The state is (x, m, t, the LSTM's).

    What is minimised is the objective after each step, weighed by s^2: the end counts most.
    """

    name = "l2o_pgd"
    label = "L2O-PGD"
    reference = "ours, after Andrychowicz et al. 2016 and Xiong & Hsieh 2020"
    hyperparameters = {"hidden": 10, "rate": 0.1, "steps": 10, "decay": 0.75, "p": 6.0}
    ranges = {
        "hidden": "integers [1, 1000]",
        "rate": "(0, inf)",
        "steps": "integers [1, 1e15]",
        "decay": "[0, 1)",
        "p": "(0, 80]",
    }

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        self.lstm = CoordinateLstm(FEATURES, int(self.hyper["hidden"]))
        self.lstm.reset(generator)
        self.schedule = nn.Parameter(torch.zeros(3))

    @torch.no_grad()
    def begin(self, start: AnalyticStart) -> None:
        """Start as PGD whose steps fall by e^-fall within ``memory`` of them."""
        self.lstm.weight_out.zero_()
        self.lstm.bias_out.zero_()
        fall = start.fall * self.hyper["steps"] / start.memory
        self.schedule.copy_(self.schedule.new_tensor([math.log(start.gain), -fall, 0.0]))

    def init(self, optimizee: Optimizee, x: Tensor) -> State:
        return x, x.new_zeros(x.shape), x.new_zeros(()), *self.lstm.init(x.numel(), x)

    def step(self, optimizee: Optimizee, state: State) -> State:
        """Return the state after one step; no derivative is taken through the gradient."""
        x, m, t, *memory = state
        g = optimizee.gradient(x.detach()).detach()
        g = g / g.abs().mean(dim=-1, keepdim=True).clamp_min(SMALLEST)
        m = self.hyper["decay"] * m + g
        share = (t / self.hyper["steps"]).clamp(max=1)
        at = x.detach()
        at = at / at.abs().amax(dim=-1, keepdim=True).clamp_min(SMALLEST)
        size = (g.abs().clamp_min(SMALLEST).log() / self.hyper["p"]).clamp(-1, 1)
        mean = m / (m.abs() + m.abs().mean(dim=-1, keepdim=True).clamp_min(SMALLEST))
        rows = torch.stack([size, g.sign(), mean, share.expand(g.shape), at]).flatten(1)
        output, memory = self.lstm(rows, tuple(memory))
        c = (self.schedule * torch.stack([share**k for k in range(3)])).sum().exp()
        dx = -self.hyper["rate"] * c * (g.sign() + output.view(g.shape))
        return x + dx, m, t + 1, *memory

    def meta_loss(self, optimizee: Optimizee, state: State) -> Tensor:
        """Return what meta-training minimises after a step, ()."""
        share = (state[2] / self.hyper["steps"]).clamp(max=1)
        return share.square() * optimizee.meta_loss(state[0])
