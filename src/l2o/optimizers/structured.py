"""Base of learned proximal methods: an LSTM that sees a coordinate, and gives it P and A."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from l2o.config.meta_training import AnalyticStart
from l2o.errors import InputError
from l2o.optimizees.protocol import Composite
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer
from l2o.optimizers.recurrent.lstm import CoordinateLstm

FEATURES, HEADS = 2, 2
SECOND = 2  # of the LSTM's state: h of its second layer
LARGEST = 2.0  # of P and of A


class _Layers(CoordinateLstm):
    """The LSTM without its own output: what is read is the state of its second layer."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(features, hidden)
        for name in ("weight_out", "bias_out"):
            unread = getattr(self, name).detach()
            delattr(self, name)
            self.register_buffer(name, unread, persistent=False)


class StructuredOptimizer(RecurrentOptimizer):
    """A learned method for f = s + h, with an LSTM over coordinates that is shared by all.

    A subclass makes of P and A, both (batch, n), in (0, 2), a step from x = z + v. Its states are
    (z, v, what else it remembers, the LSTM's): z, (batch, n), comes out of the proximal operator
    and is the iterate; v is how far the point of the next gradient lies ahead of it. So whoever
    replaces z, such as a safeguard, keeps a state that makes sense.

    The LSTM sees grad s(x) and x, as they are, and no derivative is taken through what it sees; of
    the step itself all derivatives are taken, also through grad s, unlike those of optimizers that
    have gradients alone.
    """

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        hidden = int(self.hyper["hidden"])
        self.lstm = _Layers(FEATURES, hidden)
        self.lstm.reset(generator)
        self.linear = nn.Parameter(torch.empty(hidden, hidden))
        self.linear_bias = nn.Parameter(torch.zeros(hidden, 1))
        self.heads = nn.Parameter(torch.empty(HEADS, hidden))
        self.heads_bias = nn.Parameter(torch.zeros(HEADS, 1))
        with torch.no_grad():
            for weight in (self.linear, self.heads):
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=generator)

    @torch.no_grad()
    def constant(self, start: AnalyticStart) -> None:
        """Let P = gain and A = 1 - 2 / memory everywhere, whatever the LSTM sees.

        Such is the momentum of Nesterov's method for a condition number of about memory^2; with a
        memory of 2 there is none, but for rounding. Nothing falls.

        Raises
        ------
        InputError : a gain of 2 or more, or a fall that is not 0.
        """
        if start.gain >= LARGEST:
            problem = f"is {start.gain:g}: steps of 2 / L do not converge"
            raise InputError("meta_training", "start.gain", problem, "give less than 2, such as 1")
        if start.fall:
            problem = f"is {start.fall:g}, and the steps of {self.label} do not fall"
            raise InputError("meta_training", "start.fall", problem, "set it to 0")
        given = start.gain, max(1.0 - 2.0 / start.memory, 1e-12)
        logits = [math.log(value / (LARGEST - value)) for value in given]
        self.heads.zero_()
        self.heads_bias.copy_(self.heads_bias.new_tensor(logits)[:, None])

    def init(self, optimizee: Composite, x: Tensor) -> State:
        """Return the state at the start x, (batch, n)."""
        more = self.remembered(x)
        return x, torch.zeros_like(x), *more, *self.lstm.init(x.numel(), x)

    def remembered(self, x: Tensor) -> State:
        """Return what it remembers beside the LSTM's state at the start; by default nothing."""
        return ()

    def chosen(self, gradient: Tensor, x: Tensor, memory: State) -> tuple[Tensor, Tensor, State]:
        """Return P and A, (batch, n) each, and the LSTM's new state."""
        seen = torch.stack([gradient.detach().reshape(-1), x.detach().reshape(-1)])
        _, memory = self.lstm(seen, memory)
        hidden = torch.addmm(self.linear_bias, self.linear, memory[SECOND]).relu()
        values = LARGEST * torch.addmm(self.heads_bias, self.heads, hidden).sigmoid()
        P, A = values.view(HEADS, *x.shape)
        return P, A, memory
