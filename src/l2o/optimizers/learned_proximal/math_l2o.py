"""Math-L2O: a proximal-gradient method whose steps and momenta an LSTM gives to each coordinate."""

from __future__ import annotations

from l2o.config.meta_training import AnalyticStart
from l2o.optimizees.protocol import Composite
from l2o.optimizers.protocol import State
from l2o.optimizers.structured import StructuredOptimizer

MARGIN = 0.9999  # of 1 / L


class MathL2o(StructuredOptimizer):
    """z+ = prox_{P g h}(x - P g grad s(x)), x+ = z+ + A (z+ - z), g = 0.9999 / L of each instance.

    P = 2 sigmoid(.) and A = 2 sigmoid(.) are diagonal, from an LSTM 2 x ``hidden``, a linear layer
    with ReLU and a head each (L2O-PA of the source; its ablations B, b1 and b2 are not here). It
    comes with no promise: P up to 2 together with A may diverge. The state is (z, x - z, LSTM's).
    """

    name = "math_l2o"
    label = "Math-L2O"
    reference = "Liu, Chen, Wang, Yin & Cai 2023 (L2O-PA)"
    departs = (
        "values are taken after the proximal operator, at z, instead of at the extrapolated x; the "
        "LSTM starts at zero instead of at random"
    )
    hyperparameters = {"hidden": 20}
    ranges = {"hidden": "integers [1, 1000]"}

    def begin(self, start: AnalyticStart) -> None:
        """Start with steps of gain g and a constant momentum; gain 1, memory 2: as ISTA."""
        self.constant(start)

    def step(self, optimizee: Composite, state: State) -> State:
        z, v, *memory = state
        x = z + v
        gradient = optimizee.smooth_gradient(x)
        P, A, memory = self.chosen(gradient, x, tuple(memory))
        step = P * (MARGIN / optimizee.lipschitz)
        new = optimizee.proximal(x - step * gradient, step)
        return new, A * (new - z), *memory
