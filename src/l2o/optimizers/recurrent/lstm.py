"""A two-layer LSTM over coordinates, in the form that is fast on a CPU.

A coordinate-wise LSTM has 20 units and many thousand coordinates: its time goes into point-wise
operations. Here features are rows and coordinates columns, so that each gate is one contiguous
block: the sigmoids are one kernel, the gradient of all gates fills one buffer in place, and the
products with the input, the previous state and the bias (a row of ones) are one. tanh(z) is taken
as 1 - 2 sigmoid(-2 z), since torch's tanh takes six times as long as its sigmoid.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

State = tuple[Tensor, ...]  # h and c of each layer, (hidden, coordinates)


class _LstmStep(torch.autograd.Function):
    """One step of one layer: (inputs, c, weight) -> (h, c); gates i, f, o, g.

    ``weight`` has its rows of g times -2, as tanh(z) = 1 - 2 sigmoid(-2 z).
    """

    @staticmethod
    def forward(ctx, inputs: Tensor, c: Tensor, weight: Tensor):
        gates = (weight @ inputs).sigmoid_()
        i, f, o, s = gates.split(len(c))
        g = torch.rsub(s, 1.0, alpha=2.0)
        new_c = torch.addcmul(f * c, i, g)
        bounded = torch.rsub(torch.mul(new_c, -2.0).sigmoid_(), 1.0, alpha=2.0)
        ctx.save_for_backward(inputs, c, weight, gates, g, bounded)
        return o * bounded, new_c

    @staticmethod
    @once_differentiable
    def backward(ctx, dh: Tensor, dc: Tensor):
        inputs, c, weight, gates, g, bounded = ctx.saved_tensors
        i, f, o, _ = gates.split(len(c))
        through = torch.ops.aten.tanh_backward(dh * o, bounded).add_(dc)
        grad = torch.empty_like(gates)
        di, df, do, ds = grad.split(len(c))
        torch.mul(through, g, out=di)
        torch.mul(through, c, out=df)
        torch.mul(dh, bounded, out=do)
        torch.mul(through, i, out=ds).mul_(-2.0)
        torch.ops.aten.sigmoid_backward.grad_input(grad, gates, grad_input=grad)
        into_inputs = weight.t() @ grad if ctx.needs_input_grad[0] else None
        return into_inputs, through.mul_(f), grad @ inputs.t()


class CoordinateLstm(nn.Module):
    """Two LSTM layers and a linear output, shared by all coordinates.

    Parameters
    ----------
    features : input rows
    hidden : units of each layer
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        # Columns: input, previous state, bias.
        self.weight1 = nn.Parameter(torch.zeros(4 * hidden, features + hidden + 1))
        self.weight2 = nn.Parameter(torch.zeros(4 * hidden, 2 * hidden + 1))
        signs = torch.cat([torch.ones(3 * hidden, 1), torch.full((hidden, 1), -2.0)])
        self.register_buffer("signs", signs, persistent=False)
        self.weight_out = nn.Parameter(torch.zeros(1, hidden))
        self.bias_out = nn.Parameter(torch.zeros(1, 1))

    def reset(self, generator: torch.Generator) -> None:
        """Draw the weights: uniform in +-1/sqrt(hidden), as usual for an LSTM; no bias."""
        bound = self.hidden**-0.5
        with torch.no_grad():
            for weight in (self.weight1[:, :-1], self.weight2[:, :-1], self.weight_out):
                weight.uniform_(-bound, bound, generator=generator)

    def init(self, coordinates: int, like: Tensor) -> State:
        """Return the zero state of that many coordinates."""
        return tuple(like.new_zeros(self.hidden, coordinates) for _ in range(4))

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output, (1, coordinates), and the new state.

        Parameters
        ----------
        features : (features, coordinates)
        state : as :meth:`init` or the last call returned it
        """
        h1, c1, h2, c2 = state
        one = features.new_ones(1, features.shape[1])
        h1, c1 = _LstmStep.apply(torch.cat([features, h1, one]), c1, self.weight1 * self.signs)
        h2, c2 = _LstmStep.apply(torch.cat([h1, h2, one]), c2, self.weight2 * self.signs)
        return torch.addmm(self.bias_out, self.weight_out, h2), (h1, c1, h2, c2)
