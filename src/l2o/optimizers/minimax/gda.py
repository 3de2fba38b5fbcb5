"""GDA: gradient descent of one player, ascent of the other, at the same time."""

from __future__ import annotations

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.protocol import Optimizer, State


class Gda(Optimizer):
    """z+ = z - rate F(z)."""

    name = "gda"
    label = "GDA"
    reference = "Arrow, Hurwicz & Uzawa 1958"
    hyperparameters = {"rate": 0.1}
    ranges = {"rate": "(0, inf)"}
    gradients = 1

    def step(self, optimizee: Minimax, state: State) -> State:
        return (state[0] - self.hyper["rate"] * optimizee.gradient(state[0]),)
