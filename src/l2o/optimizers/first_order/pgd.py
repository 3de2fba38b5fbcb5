"""PGD: steps of one size in every coordinate, against the sign of the gradient."""

from __future__ import annotations

from l2o.optimizees.protocol import Optimizee
from l2o.optimizers.protocol import Optimizer, State


class Pgd(Optimizer):
    """x+ = x - rate sign g.

    Where x is confined to a set, :class:`l2o.optimizers.projected.Projected` makes it the projected
    descent of attacks on classifiers; elsewhere it is sign descent.
    """

    name = "pgd"
    label = "PGD"
    reference = "Madry, Makelov, Schmidt, Tsipras & Vladu 2018, section 2.1; Kurakin et al. 2017"
    hyperparameters = {"rate": 0.01}
    ranges = {"rate": "(0, inf)"}

    def step(self, optimizee: Optimizee, state: State) -> State:
        return (state[0] - self.hyper["rate"] * optimizee.gradient(state[0]).sign(),)
