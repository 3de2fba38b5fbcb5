"""Extragradient: a step with the gradient of the point that a trial step leads to."""

from __future__ import annotations

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.protocol import Optimizer, State


class Extragradient(Optimizer):
    """z+ = z - rate F(z - rate F(z))."""

    name = "extragradient"
    label = "Extragradient"
    reference = "Korpelevich 1976"
    hyperparameters = {"rate": 0.1}
    ranges = {"rate": "(0, inf)"}
    gradients = 2

    def step(self, optimizee: Minimax, state: State) -> State:
        (z,) = state
        trial = z - self.hyper["rate"] * optimizee.gradient(z)
        return (z - self.hyper["rate"] * optimizee.gradient(trial),)
