"""A GRU over columns whose gates a coarser level shifts: the cell of a hierarchy.

As in the LSTM beside it, features are rows and what shares the weights is columns, and
tanh(z) is computed as 2 sigmoid(2 z) - 1, which torch has several times faster.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn


class ShiftedGru(nn.Module):
    """h+ = u h + (1 - u) c with r, u = sigmoid(. + shift), c = tanh(W x + U (r h) + shift).

    Parameters
    ----------
    features : input rows
    hidden : units
    context : rows of the coarser levels' states; 0 where there is none

    The shift is linear in the context and contains the biases.

    Source: Cho et al. 2014; the additional bias: Wichrowska et al. 2017, section 3.1.
    """

    def __init__(self, features: int, hidden: int, context: int) -> None:
        super().__init__()
        self.hidden = hidden
        # Rows: r, u, c.
        self.weight_input = nn.Parameter(torch.zeros(3 * hidden, features))
        self.weight_gates = nn.Parameter(torch.zeros(2 * hidden, hidden))
        self.weight_candidate = nn.Parameter(torch.zeros(hidden, hidden))
        self.bias = nn.Parameter(torch.zeros(3 * hidden, 1))
        self.weight_context = None
        if context:
            self.weight_context = nn.Parameter(torch.zeros(3 * hidden, context))

    def reset(self, generator: Generator, keep: float) -> None:
        """Draw the weights, uniform in +-1/sqrt(columns); the biases of r and u are ``keep``."""
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if name != "bias":
                    bound = weight.shape[1] ** -0.5
                    weight.uniform_(-bound, bound, generator=generator)
            self.bias.zero_()[: 2 * self.hidden] = keep

    def shift(self, context: Tensor | None = None) -> Tensor:
        """Return what the context, (context, columns), adds to the gates, (3 hidden, columns)."""
        if context is None:
            return self.bias
        return torch.addmm(self.bias, self.weight_context, context)

    def forward(self, inputs: Tensor, h: Tensor, shift: Tensor) -> Tensor:
        """Return the new state, (hidden, columns).

        Parameters
        ----------
        inputs : (features, columns)
        h : the state, (hidden, columns)
        shift : (3 hidden, columns), or one column for all
        """
        given = torch.addmm(shift, self.weight_input, inputs)
        gates, candidate = given.split([2 * self.hidden, self.hidden])
        r, u = torch.addmm(gates, self.weight_gates, h).sigmoid().split(self.hidden)
        doubled = torch.addmm(candidate, self.weight_candidate, r * h).mul(2.0).sigmoid()
        return torch.lerp(2.0 * doubled - 1.0, h, u)

    @torch.no_grad()
    def advance(self, inputs: Tensor, h: Tensor, shift: Tensor) -> None:
        """Overwrite the state by what :meth:`forward` returns."""
        doubled, rows = inputs.new_ones(3 * self.hidden, 1), 2 * self.hidden
        doubled[rows:] = 2.0  # as is all that the candidate's sigmoid sees
        given = torch.mm(self.weight_input * doubled, inputs).add_(shift * doubled)
        gates, candidate = given.split([rows, self.hidden])
        r, u = gates.addmm_(self.weight_gates, h).sigmoid_().split(self.hidden)
        candidate.addmm_(2.0 * self.weight_candidate, r.mul_(h)).sigmoid_()
        torch.lerp(candidate.mul_(2.0).sub_(1.0), h, u, out=h)
