"""Halpern's iteration with the operator of extragradient."""

from __future__ import annotations

from torch import Tensor

from l2o.optimizees.minimax import Minimax
from l2o.optimizers.protocol import Optimizer, State


def halpern_step(
    optimizee: Minimax, z: Tensor, slope: Tensor, start: Tensor, k: Tensor, rate: float
) -> Tensor:
    """Return z_0 / (k + 2) + (k + 1) / (k + 2) T(z), with T(z) = z - rate F(z - rate F(z)).

    On a matrix game T is nonexpansive for rates up to 1 / ||A||. ``slope`` is F(z), ``start`` z_0.
    """
    moved = z - rate * optimizee.gradient(z - rate * slope)
    return start / (k + 2) + (k + 1) / (k + 2) * moved


class Halpern(Optimizer):
    """z+ = z_0 / (k + 2) + (k + 1) / (k + 2) T(z), with T of :func:`halpern_step`.

    For convex-concave f: with a nonexpansive T ||z - T(z)|| falls as 1 / k. The state is
    (z, z_0, k).
    """

    name = "halpern"
    label = "Halpern"
    reference = "Halpern 1967; Lieder 2021 for the rate"
    hyperparameters = {"rate": 0.1}
    ranges = {"rate": "(0, inf)"}
    gradients = 2

    def init(self, optimizee: Minimax, x: Tensor) -> State:
        return x, x, x.new_zeros(())

    def step(self, optimizee: Minimax, state: State) -> State:
        z, start, k = state
        slope = optimizee.gradient(z)
        return halpern_step(optimizee, z, slope, start, k, self.hyper["rate"]), start, k + 1
