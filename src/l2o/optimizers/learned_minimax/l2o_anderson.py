"""L2O-Anderson: Anderson mixing whose step, ridge and reach a net sets, anew in every step."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.anderson import empty_history, mixed_where, remembered, resting
from l2o.optimizers.protocol import Hyperparameters, State
from l2o.optimizers.recurrent.base import RecurrentOptimizer

FEATURES, OUTPUTS = 5, 3
BOUND = 6.0  # of a feature, the logarithm of a ratio
GAINS = (3.0, 12.0, 12.0)  # of rate, ridge, reach: factors of e^3, e^12, e^12 each way


class L2oAnderson(RecurrentOptimizer):
    """z+ = z - w (m + rate u (F(z) - d)), m and d the mixtures of the last steps, w at most 1.

    m = sum_j c_j dz_j and d = sum_j c_j dF_j are Anderson's, see :mod:`l2o.optimizers.anderson`;
    u = min_j ||dz_j|| / ||dF_j|| is the problem's own unit, the inverse of a Lipschitz constant; w
    shortens the step to ``reach`` times the last one. For every instance and step a net with one
    hidden layer multiplies rate, ridge and reach by exp(g tanh(.)), g = 3, 12, 12. It sees five
    numbers without units: how F has shrunk, in the last step and beside what mixing foretold; the
    angles between F and the last F, between dz and dF; and u ||F|| beside the last step. Untrained
    its output is 0: Anderson mixing with the ``rate``, ``ridge`` and ``reach`` given. The first
    step, without a history, is z - first F.

    By backpropagation it would learn to come near in one step, which is not how mixing gets there:
    it is trained for the distance after some steps, by evolution strategies.

    As many differences are kept as z has unknowns, ``memory`` at most. What is solved rests. The
    state is (z, z-, F(z-), dz, dF, ||F|| as mixing foretold it, ||F|| at the start, k).
    """

    name = "l2o_anderson"
    label = "L2O-Anderson"
    reference = "ours, 2026; the mixing of Anderson 1965"
    hyperparameters = {
        "memory": 100,
        "hidden": 16,
        "first": 0.1,
        "rate": 1.0,
        "ridge": 1e-10,
        "reach": 1e4,
    }
    ranges = {
        "memory": "integers [1, 1000]",
        "hidden": "integers [1, 1000]",
        "first": "(0, inf)",
        "rate": "(0, inf)",
        "ridge": "(0, inf)",
        "reach": "(0, inf)",
    }
    gradients = 1

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        hidden = int(self.hyper["hidden"])
        self.seen, self.told = nn.Linear(FEATURES, hidden), nn.Linear(hidden, OUTPUTS)
        self.first = nn.Parameter(torch.tensor(math.log(self.hyper["first"])))
        with torch.no_grad():
            for weight in self.seen.parameters():
                weight.uniform_(-(FEATURES**-0.5), FEATURES**-0.5, generator=generator)
            for weight in self.told.parameters():
                weight.zero_()

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        history = empty_history(x, int(self.hyper["memory"]))
        none = x.new_zeros(len(x), 1)
        return x, x, x.new_zeros(x.shape), *history, none, none, x.new_zeros(())

    def step(self, optimizee: Minimax, state: State) -> State:
        """Return the state after one step; no derivative is taken through z or the gradient."""
        z, before, last, dz, dF, foretold, start, k = (tensor.detach() for tensor in state)
        F, known = optimizee.gradient(z).detach(), int(k)
        if not known:
            return z - self.first.exp() * F, z, F, dz, dF, _size(F), _size(F), k + 1
        dz, dF = remembered(dz, z - before), remembered(dF, F - last)
        moved, changed = dz[:, 0], dF[:, 0]
        unit = (_size(dz[:, :known]) / _size(dF[:, :known])).amin(dim=1)
        features = torch.cat(
            [
                _ratio(_size(F), _size(last)),
                _ratio(_size(F), foretold),
                _ratio(unit * _size(F), _size(moved)),
                torch.cosine_similarity(F, last)[:, None],
                torch.cosine_similarity(moved, changed)[:, None],
            ],
            dim=1,
        )
        told = self.told(self.seen(features).tanh())
        usual = told.new_tensor([self.hyper[name] for name in ("rate", "ridge", "reach")])
        set_ = usual * (told.new_tensor(GAINS) * told.tanh()).exp()
        rate, ridge, reach = (column[:, None] for column in set_.unbind(dim=1))
        # In float32 the least squares would be worth nothing.
        awake = ~resting(F, start)
        given = (tensor.double() for tensor in (F, dz[:, :known], dF[:, :known]))
        pair = mixed_where(awake[:, 0], *given, ridge[..., None].double())
        way, change = (part.to(z.dtype) for part in pair)
        move = way + rate * unit * (F - change)
        limit = reach * _size(moved)
        short = limit / torch.maximum(_size(move), limit)
        foretold = _size(F - short * change)
        return z - awake * short * move, z, F, dz, dF, foretold, start, k + 1


def _size(x: Tensor) -> Tensor:
    """Return ||x||, (..., 1), above 0."""
    return x.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)


def _ratio(one: Tensor, other: Tensor) -> Tensor:
    """Return the logarithm of a ratio, bounded."""
    return (one / other).log().clamp(-BOUND, BOUND)
