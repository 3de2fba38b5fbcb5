"""Twin-L2O: one LSTM for the player that goes down, one for the player that goes up."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer

SMALLEST, LARGEST = 1e-4, 1e-1  # moves at the begin and at the end of the warm-up
RISE = 2.0  # of the part of instances that the curriculum keeps, over the whole training
STATE = 4  # tensors of two LSTM layers


class TwinL2o(RecurrentOptimizer):
    """x+ = x + LSTM_x(df/dx, df/dy) at (x, y); then y+ = y + LSTM_y(df/dy, df/dx) at (x+, y).

    Every coordinate of a player sees its own slope and that of the same coordinate of the other
    one, unscaled. Hidden states are multiplied by ``rescale`` before each call. In the first
    ``warmup`` half steps a move is sign(LSTM) s, with s rising linearly from 1e-4 to 1e-1. What is
    minimised is the sum of the gains f(x+, y) - f(x, y) and f(x+, y) - f(x+, y+), each by its own
    net. With a ``curriculum`` of c > 0 only the part min(1, c + 2 t) of the instances counts, t
    the part of the epochs that is done: those with the least sum of (df/dy)^2 so far.

    The state is (z, z before the step, half steps done, sum of (df/dy)^2, both LSTMs'):
    (batch, 2 n) twice, (), (batch,).
    """

    name = "twin_l2o"
    label = "Twin-L2O"
    reference = "Shen, Chen, Heaton, Chen, Liu, Yin & Wang 2021"
    departs = (
        "no biases, so that where nothing slopes nothing moves; LSTMs start at zero; 20 units in "
        "place of 50 and 80, a rate of 1e-3 in place of 1e-4"
    )
    hyperparameters = {"hidden": 20, "rescale": 1e-4, "warmup": 0, "curriculum": 0.0}
    ranges = {
        "hidden": "integers [1, 1000]",
        "rescale": "[0, 1]",
        "warmup": "integers [0, 1000000]",
        "curriculum": "[0, 1]",
    }
    paper = {"warmup": 400}
    gradients = 2

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        hidden = int(self.hyper["hidden"])
        self.down, self.up = (_Player(hidden, generator) for _ in range(2))

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        hidden = x.new_zeros(x.numel() // 2, int(self.hyper["hidden"]))
        return x, x, x.new_zeros(()), x.new_zeros(len(x)), *(hidden for _ in range(2 * STATE))

    def step(self, optimizee: Minimax, state: State) -> State:
        """Return the state after a step of both; no derivative is taken through gradients."""
        z, _, done, hardness, *memory = state
        z = z.detach()
        x, y = z.chunk(2, dim=-1)
        by_x, by_y = self._slopes(optimizee, z)
        dx, down = self._moved(self.down, (by_x, by_y), memory[:STATE], done)
        by_x, by_y = self._slopes(optimizee, torch.cat([(x + dx).detach(), y], dim=-1))
        dy, up = self._moved(self.up, (by_y, by_x), memory[STATE:], done + 1)
        hardness = hardness + by_y.square().sum(dim=-1)
        return torch.cat([x + dx, y + dy], dim=-1), z, done + 2, hardness, *down, *up

    def meta_loss(self, optimizee: Minimax, state: State) -> Tensor:
        """Return the mean of both gains of the last step, ()."""
        z, before, _, hardness, *_ = state
        (x, y), (old_x, old_y) = z.chunk(2, dim=-1), before.chunk(2, dim=-1)
        pairs = (x, old_y), (old_x, old_y), (x.detach(), old_y), (x.detach(), y)
        met, start, seen, answered = (optimizee.payoff(torch.cat(p, dim=-1)) for p in pairs)
        gains = (met - start) + (seen - answered)
        part = min(1.0, self.hyper["curriculum"] + RISE * self.share)
        if self.hyper["curriculum"] == 0 or part == 1:
            return gains.mean()
        return gains[hardness.argsort(stable=True)[: max(1, int(part * len(gains)))]].mean()

    def _moved(
        self, player: _Player, seen: tuple[Tensor, Tensor], memory: State, done: Tensor
    ) -> tuple[Tensor, State]:
        """Return a player's move, (batch, n), and the LSTM's state."""
        rows = torch.stack([slope.reshape(-1) for slope in seen], dim=1)
        output, memory = player(rows, tuple(self.hyper["rescale"] * part for part in memory))
        move, warmup = output.view(seen[0].shape), self.hyper["warmup"]
        if warmup:
            size = SMALLEST + (LARGEST - SMALLEST) * (done / warmup).clamp(max=1)
            move = torch.where(done < warmup, size * move.sign(), move)
        return move, memory

    @staticmethod
    def _slopes(optimizee: Minimax, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return df/dx and df/dy, (batch, n) each."""
        by_x, against_y = optimizee.gradient(z).detach().chunk(2, dim=-1)
        return by_x, -against_y


class _Player(nn.Module):
    """Two LSTM layers and an output, all without biases, for each of many coordinates.

    Not :class:`l2o.optimizers.recurrent.lstm.CoordinateLstm`: its quick tanh is off by 1e-16, and
    here moves become smaller than that.
    """

    def __init__(self, hidden: int, generator: Generator) -> None:
        super().__init__()
        self.first = nn.LSTMCell(2, hidden, bias=False)
        self.second = nn.LSTMCell(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, 1, bias=False)
        with torch.no_grad():
            for weight in self.parameters():
                weight.uniform_(-(hidden**-0.5), hidden**-0.5, generator=generator)

    def forward(self, seen: Tensor, memory: State) -> tuple[Tensor, State]:
        """Return the output, (coordinates, 1), and the new state; ``seen`` is (coordinates, 2)."""
        h1, c1 = self.first(seen, memory[:2])
        h2, c2 = self.second(h1, memory[2:])
        return self.out(h2), (h1, c1, h2, c2)
